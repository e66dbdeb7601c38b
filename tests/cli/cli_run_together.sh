#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs that start at once, or are killed while they make the image.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

rm -rf cache
pids=
for i in 1 2 3 4 5 6 7 8; do
	run sh -c 'echo $RAWCACHE_DEVICE' >"out$i" 2>"err$i" &
	pids="$pids $!"
done
bad=0
for pid in $pids; do
	wait "$pid" || bad=1
done
[ "$(cat out[1-8] | sort | uniq -c | tr -s ' ')" = " 8 $image" ] || bad=1
ok $bad "eight runs at once make one image"
[ "$(cat err[1-8] | wc -l)" = 1 ]
ok $? "and one of them says so"
[ "$(ls -A "$(dirname "$image")")" = cache.img ]
ok $? "and nothing is left over"
rm -f out[1-8] err[1-8]
bad=0
for delay in 0.001 0.002 0.004 0.006 0.01 0.02; do
	rm -rf cache
	run --size 128M true >/dev/null 2>&1 &
	child=$!
	sleep $delay
	kill -9 $child 2>/dev/null
	wait $child 2>/dev/null
	run true >out 2>err || { bad=1 && show; }
done
ok $bad "a run that was killed while it made the image does not disturb the next"
[ "$(ls -A "$(dirname "$image")")" = cache.img ]
ok $? "which clears up"
done_testing
