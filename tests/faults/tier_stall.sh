#!/bin/bash
# SPDX-License-Identifier: MIT
# All helpers that may read a mount wait for it: what the tier has of that mount is asked for, and had, all the same.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((4 << 20))
head -c $((8 << 20)) /dev/urandom >"$scratch/back/other"
age "$scratch/back"
tier_key
latency=5
memcached_start server -m 64
# shellcheck disable=SC2154 # memcached_start names it
servers=127.0.0.1:$server_port
node 1
tiered cmp "$CACHED_PATH/file" "$scratch/back/file"
ok $? "a machine reads a file"
at_least "$(counter tier_puts)" 8 "and puts it"

# hangs: on another machine ten threads wait for another file of the mount; then one reads that file
hangs() {
	node 2
	tiered python3 "$TOP_SRCDIR/tests/faults/tier_stall.py" "$CACHED_PATH" "$back" \
		"$CACHED_PATH/.origin/stats" <"$scratch/orders" >"$scratch/said" &
	pids="$pids $!"
	exec 7>"$scratch/orders"
	wait_until test -s "$scratch/said"
	said=$(cat "$scratch/said")
	stalled=$(origin_stat "$CACHED_PATH" stalled)
	origin_control "$CACHED_PATH" clear
	exec 7>&-
	wait $!
}
mkfifo "$scratch/orders"
for _ in $(seq 5); do
	hangs
	[ "$said" = True ] && [ "$(counter tier_hits)" -ge 4 ] && break
done
is "$stalled" 8 "on another machine all helpers that may read the mount wait for it"
is "$said" True "a program has every byte of the file meanwhile"
at_least "$(counter tier_hits)" 4 "from the tier"
done_testing
