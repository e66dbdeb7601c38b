#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache export --listen: what Prometheus's own tools and clients make of it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/export.inc"

need_server
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
done_testing
