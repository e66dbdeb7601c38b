#!/bin/bash
# SPDX-License-Identifier: MIT
# The dashboard and the rules of examples/monitoring ask for what rawcache export tells.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/export.inc"

"$RAWCACHE" export --cache "$IMAGE" --textfile cache.prom
"$RAWCACHE" export --cache none.img --textfile down.prom
examples=$TOP_SRCDIR/examples/monitoring
if command -v promtool >/dev/null; then
	check "the rules are right" promtool check rules "$examples/rules.yml"
	is "$(grep -c -e '- alert:' "$examples/rules.yml")" 5 "there are five"
	check "they fire when they should, and only then" promtool test rules "$examples/rules_test.yml"
	check "the configuration is right" promtool check config "$examples/prometheus.yml"
else
	ok 0 "the rules # SKIP promtool is not installed"
fi
# every name that the rules and the dashboard ask for is one that the exporter tells
cat cache.prom down.prom | sed -n 's/^\(rawcache_[a-z_]*\).*/\1/p' | sort -u >told
python3 "$TOP_SRCDIR/tests/cli/export_dashboard.py" "$examples/dashboard.json" >asked
ok $? "the dashboard is JSON with panels"
cat asked "$examples/rules.yml" | grep -v '^ *#' | grep -o 'rawcache_[a-z_]*' | sort -u >names
is "$(comm -13 told names)" "" "rules and dashboard ask for what there is"
if command -v promtool >/dev/null; then
	{
		echo "groups: [{name: d, rules: ["
		n=0
		while IFS= read -r expr; do n=$((n + 1))
			printf "{record: 'd:%s', expr: '%s'},\n" $n "$expr"; done <asked
		echo "]}]"
	} >asked.yml
	check "the dashboard's queries are right" promtool check rules asked.yml
fi
done_testing
