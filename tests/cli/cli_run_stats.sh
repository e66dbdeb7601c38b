#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache run --stats: it tells what happened, and keeps the status and the signals.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image
works "--stats leaves the status alone" 5 "^$" run --stats sh -c 'echo; exit 5'
grep -q "hits, .*misses, hit ratio" err
ok $? "--stats tells what happened"
works "--stats and a signal" 137 "^$" run --stats sh -c 'echo; kill -9 $$'
refused "--stats and a missing program" 127 "no such program" \
	env PATH=/usr/bin:/bin "$work/bin/run" --stats nosuchprogram
run --stats sh -c 'trap "exit 9" TERM; echo up >up; while :; do sleep 0.05; done' >out 2>err &
child=$!
for _ in $(seq 100); do
	[ -s up ] || sleep 0.05
done
kill -TERM $child
wait $child
ok "$(($? != 9))" "--stats passes SIGTERM on"
done_testing
