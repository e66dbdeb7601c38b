#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache export --textfile: a file for node_exporter; and calls that are wrong.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/export.inc"

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

"$RAWCACHE" export --cache "$IMAGE" 2>err
[ $? = 2 ] && grep -q "one of --listen" err
ok $? "export of nothing is refused"
for where in 9469 127.0.0.1: :9469; do
	"$RAWCACHE" export --cache "$IMAGE" --listen $where 2>err
	[ $? = 2 ] && grep -q "ADDRESS:PORT" err
	ok $? "--listen $where is refused"
done
done_testing
