#!/bin/bash
# SPDX-License-Identifier: MIT
# Machines that share a tier of memcached servers: each node has an image and an origin mount of its own, at another
# place. Every byte is compared, also after a server was killed or stopped.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
size=$((8 << 20))
tier_file $size
head -c 100000 /dev/urandom >"$back/small"
age "$back"
tier_key

tier_start one two three
node 1
same file "the first node"
at_least "$(counter tier_puts)" 16 "it puts what it reads"
is "$(counter tier_hits)" 0 "it finds nothing there"
node 2
before=$(origin_stat "$CACHED_PATH" read_bytes)
same file "the second node"
at_least "$(counter tier_hits)" 1 "it has chunks of the tier"
at_most $(($(origin_stat "$CACHED_PATH" read_bytes) - before)) $((size - 262144)) "its origin is read less"
at_least "$(counter origin_bytes)" 262144 "the first chunk is read from the origin, and counted"
is "$(counter tier_bad)" 0 "all values opened"
gets=$(counter tier_gets)
same file "a warm node"
is "$(counter tier_gets)" "$gets" "a warm node asks the tier nothing"
same small "a small file"

# what belongs to no named data set is not shared
node 3
RAWCACHE_TIER_NAME=/nowhere=data RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key cached cat "$CACHED_PATH/file" |
	cmp - "$back/file"
ok $? "a file of no data set is read"
is "$(counter tier_gets)" 0 "and not asked for"

node 6
RAWCACHE_TIER_MODE=ro same file "a node that puts nothing"
is "$(counter tier_puts)" 0 "puts nothing"

kill -9 "$one_pid"
kill -STOP "$two_pid"
node 7
same file "one server killed, one stopped"
kill -CONT "$two_pid"
node 8
same file "the stopped one goes on"

# the program sees nothing of it
servers=127.0.0.1:$three_port
node 9
tiered python3 "$TOP_SRCDIR/tests/faults/tier_seen.py" "$CACHED_PATH/file" "$CACHED_PATH/small" >"$scratch/seen"
is "$(cat "$scratch/seen")" "0 True" "descriptors stay as they are, and a fork child reads"
node 9
is "$(cached cat "$CACHED_PATH/file" /proc/self/maps | grep -ac libsodium)" 0 \
	"without RAWCACHE_TIER libsodium is not loaded"
done_testing
