#!/bin/bash
# SPDX-License-Identifier: MIT
# The tier over time: servers that are restarted, or have no room; machines that are killed while others wait for what
# they fetch.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((8 << 20))
age "$back"
tier_key

# reads_until COUNTER WHAT N: fresh machines read until it is not zero
reads_until() {
	tier_until "$1" anew "$3"
	at_least "$(counter "$1")" 1 "$2"
}

memcached_start server -m 64
# shellcheck disable=SC2154 # memcached_start names it
servers=127.0.0.1:$server_port
node 1
reads "a node fills the tier"
reads_until tier_hits "another has chunks of it" 2

# a server that is started again has nothing, and takes anew
stop "$server_pid"
memcached_start server -m 64
node 1
reads "the server was started again: the bytes are right"
is "$(counter tier_hits)" 0 "and it has nothing"
at_least "$(counter tier_puts)" 1 "it takes what is read"
reads_until tier_hits "and gives it to others" 2

# a server with room for a few chunks
stop "$server_pid"
memcached_start server -m 2
for n in 1 2 1 2; do
	node $n
	reads "a server that evicts: node $n has every byte"
done
stop "$server_pid"
memcached_start server -m 64

# a machine is killed while it fetches: others wait for a moment, then read themselves
node 1
tiered python3 "$TOP_SRCDIR/tests/faults/tier_stays.py" "$CACHED_PATH/file" >"$scratch/said" &
pids="$pids $!"
for _ in $(seq 200); do
	grep -q "on the way" "$scratch/said" && break
	sleep 0.02
done
# the shell around it is not the program
reader=$(sed -n 's/ is on the way//p' "$scratch/said")
check "a reader is on its way" kill -9 "$reader"
wait $! 2>/dev/null
is "$?" 137 "it was killed"
node 2
reads "a node was killed with leases: another reads all of the file"
node 3
reads "and a third"
done_testing
