#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache export: what Prometheus's own tools and clients make of it; the dashboard and the rules of examples/.
. "$(dirname "$0")/../lib.sh"
need curl python3
cd "$scratch" || exit 1
export RAWCACHE_RUNTIME_DIR=$scratch/runtime HOME=$scratch
mkdir runtime data
head -c 700000 /dev/urandom >data/file
age data
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/data
"$RAWCACHE" format --size 32M "$IMAGE"
for _ in 1 2; do cached cat data/file | cat >/dev/null; done
examples=$TOP_SRCDIR/examples/monitoring

# lint NAME FILE: promtool has nothing to say
lint() {
	if command -v promtool >/dev/null; then
		promtool check metrics <"$2" >lint.log 2>&1 && [ ! -s lint.log ]
		lint_status=$?
		sed 's/^/# /' lint.log
		ok $lint_status "$1"
	else
		ok 0 "$1 # SKIP promtool is not installed"
	fi
}

# --- the file for node_exporter

"$RAWCACHE" export --cache "$IMAGE" --textfile cache.prom
is $? 0 "export --textfile"
lint "promtool accepts it" cache.prom
grep -qx "rawcache_up 1" cache.prom && grep -qx "rawcache_hit_bytes_total $(counter hit_bytes)" cache.prom
ok $? "it has the counters"
is "$(stat -c %a cache.prom)" "$(printf %o $((0666 & ~$(umask))))" "others may read it"
is "$(ls cache.prom.* 2>/dev/null)" "" "no temporary file is left"
"$RAWCACHE" export --cache none.img --textfile down.prom
lint "promtool accepts what is told of an image that is missing" down.prom
grep -qx "rawcache_up 0" down.prom && grep -qx 'rawcache_refused{reason="no_image"} 1' down.prom
ok $? "which is that, and why"

# --- wrong calls

"$RAWCACHE" export --cache "$IMAGE" 2>err
[ $? = 2 ] && grep -q "one of --listen" err
ok $? "export of nothing is refused"
for where in 9469 127.0.0.1: :9469; do
	"$RAWCACHE" export --cache "$IMAGE" --listen $where 2>err
	[ $? = 2 ] && grep -q "ADDRESS:PORT" err
	ok $? "--listen $where is refused"
done

# --- the server

if timeout 5 "$RAWCACHE" export --cache "$IMAGE" --listen 127.0.0.1:1 2>&1 | grep -q "without libmicrohttpd"; then
	ok 0 "the server # SKIP built without libmicrohttpd"
	done_testing
fi
# all commands would wait for it and for what it needs
binary=$TOP_BUILDDIR/.libs/rawcache
[ -x "$binary" ] || binary=$TOP_BUILDDIR/rawcache
is "$(readelf -d "$binary" | grep -c 'NEEDED.*microhttpd')" 0 "libmicrohttpd is loaded when it is used only"
# serve WHERE: starts one, sets $server to its process id and $url
serve() {
	: >serve.out
	"$RAWCACHE" export --cache "$IMAGE" --listen "$1" >serve.out 2>serve.err &
	server=$!
	pids="$pids $server"
	for _ in $(seq 100); do
		grep -q serving serve.out && break
		sleep 0.1
	done
	url=$(sed -n 's/serving //p' serve.out)
}
serve 127.0.0.1:0
check "it tells where it serves" expr "$url" : 'http://127.0.0.1:[0-9]*/$'
curl -sS -D headers "${url}metrics" >text.prom
grep -qi '^content-type: text/plain; version=0.0.4' headers
ok $? "without a wish it is Prometheus's text"
lint "promtool accepts that" text.prom
curl -sS -D headers -H 'Accept: application/openmetrics-text;version=1.0.0' "${url}metrics" >open.txt
grep -qi '^content-type: application/openmetrics-text; version=1.0.0' headers
ok $? "OpenMetrics is given to who asks for it"
created=$("$RAWCACHE" info --cache "$IMAGE" --json | sed -n 's/.*"created": *\([0-9]*\).*/\1/p')
python=python3
"$python" -c 'import prometheus_client' 2>/dev/null || python=/usr/bin/python3 # Debian's has Debian's modules
if "$python" -c 'import prometheus_client' 2>/dev/null; then
	check "Prometheus's client library parses it" "$python" \
		"$TOP_SRCDIR/tests/cli/export_client.py" open.txt "$created"
else
	ok 0 "Prometheus's client library # SKIP python3-prometheus-client is not installed"
fi
curl -sS -D headers "$url" >page.html
grep -qi '^content-type: text/html' headers && grep -q "</html>" page.html && grep -q "data/file\|/data" page.html
ok $? "/ is the page"
is "$(curl -s -o /dev/null -w '%{http_code}' "${url}other")" 404 "there is nothing else"
is "$(curl -s -o /dev/null -w '%{http_code}' -d x=1 "${url}metrics")" 405 "and nothing to post"
is "$(curl -sS -I -o /dev/null -w '%{http_code}' "${url}metrics")" 200 "HEAD is answered"
before=$(counter hits)
cached cat data/file | cat >/dev/null
[ "$(curl -sS "${url}metrics" | sed -n 's/^rawcache_hits_total //p')" -gt "$before" ]
ok $? "it tells of now"
mv "$IMAGE" away.img
curl -sS "${url}metrics" | grep -q 'rawcache_refused{reason="no_image"} 1'
ok $? "an image that is gone is told"
is "$(curl -s -o /dev/null -w '%{http_code}' "$url")" 503 "and the page says so"
mv away.img "$IMAGE"
curl -sS "${url}metrics" | grep -qx "rawcache_up 1"
ok $? "and when it is back"
"$RAWCACHE" export --cache "$IMAGE" --listen "$(expr "$url" : 'http://\(.*\)/')" 2>err
[ $? = 1 ] && grep -q "choose another address" err
ok $? "an address that is taken is refused"
kill -TERM "$server"
wait "$server"
is $? 0 "SIGTERM ends it"
serve "unix:$scratch/export.sock"
curl -sS --unix-socket export.sock http://x/metrics | grep -qx "rawcache_up 1"
ok $? "it serves on a unix socket"
"$RAWCACHE" export --cache "$IMAGE" --listen "unix:$scratch/export.sock" 2>err
[ $? = 1 ] && grep -q "somebody listens there" err
ok $? "which another one does not take"
kill -9 "$server"
wait "$server" 2>/dev/null
serve "unix:$scratch/export.sock"
curl -sS --unix-socket export.sock http://x/metrics | grep -qx "rawcache_up 1"
ok $? "unless it is dead"
kill -TERM "$server"
wait "$server"
check "it takes its socket away" test ! -e export.sock

# --- built without the library

cat >without.c <<'PROGRAM'
#include "cli/export.h"
int main(void)
{
	return export_serve(NULL, "127.0.0.1:0");
}
PROGRAM
src=$TOP_SRCDIR/src
check "the command is built without libmicrohttpd" ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$src" \
	-I"$TOP_SRCDIR/include" -o without without.c "$src/cli/export_http.c" "$src/cli/say.c" "$src/cli/text.c" \
	"$src/base/size.c"
./without 2>err
[ $? = 1 ] && grep -q "built without libmicrohttpd.*--textfile" err && [ "$(wc -l <err)" = 1 ]
ok $? "and says so in one sentence"

# --- examples/monitoring

if command -v promtool >/dev/null; then
	check "the rules are right" promtool check rules "$examples/rules.yml"
	is "$(grep -c -e '- alert:' "$examples/rules.yml")" 5 "there are five"
	check "they fire when they should, and only then" promtool test rules "$examples/rules_test.yml"
	check "the configuration is right" promtool check config "$examples/prometheus.yml"
else
	ok 0 "the rules # SKIP promtool is not installed"
fi
# every name that the rules and the dashboard ask for is one that the exporter tells
cat text.prom down.prom | sed -n 's/^\(rawcache_[a-z_]*\).*/\1/p' | sort -u >told
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
