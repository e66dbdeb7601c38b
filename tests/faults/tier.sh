#!/bin/bash
# SPDX-License-Identifier: MIT
# Machines that share a tier of memcached servers: each node has an image and an origin mount of its own, at another
# place. Servers that fail in each way, secrets and data sets that differ: every byte is compared.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
size=$((8 << 20))
tier_file $size
tier_file $size "$scratch/other"
head -c 100000 /dev/urandom >"$scratch/back/small"
age "$scratch/back"
touch -r "$scratch/back/file" "$scratch/other/file"
tier_key

# same FILE WHAT: the program has every byte, and so has a second reader, from the image alone
same() {
	tiered cat "$CACHED_PATH/$1" >"$scratch/got"
	check "$2: the bytes are right" cmp "$scratch/got" "${WANTED:-$scratch/back}/$1"
	RAWCACHE_TIER='' cached cat "$CACHED_PATH/$1" >"$scratch/got"
	check "$2: what was stored is right" cmp "$scratch/got" "${WANTED:-$scratch/back}/$1"
}

memcached_start one -m 64
memcached_start two -m 64
memcached_start three -m 64
# shellcheck disable=SC2154 # memcached_start names them
servers=127.0.0.1:$one_port,127.0.0.1:$two_port,127.0.0.1:$three_port
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
	cmp - "$scratch/back/file"
ok $? "a file of no data set is read"
is "$(counter tier_gets)" 0 "and not asked for"

# a data set of the same name whose files differ
node 4 "$scratch/other"
WANTED=$scratch/other same file "a node with other files of the same names"
# an answer that comes late on a busy machine is not compared: the next one is
for _ in $(seq 20); do
	[ "$(counter tier_differs)" -eq 0 ] || break
	"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
	tiered cmp "$CACHED_PATH/file" "$scratch/other/file"
done
at_least "$(counter tier_differs)" 1 "the difference is found"
is "$(counter tier_hits)" 0 "and nothing of the tier is used"
gets=$(counter tier_gets)
"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
WANTED=$scratch/other same file "another process of that node"
is "$(counter tier_gets)" "$gets" "it does not ask"
check "the log says which data set" grep -q "data is not shared any more" "$scratch/log"

# a machine with other files finds some chunks missing: what it reads is nobody else's
memcached_start four -m 64
good=$servers
servers=127.0.0.1:$four_port
node 1
tiered head -c 600000 "$CACHED_PATH/file" | cmp -n 600000 - "$scratch/back/file"
ok $? "a node reads the beginning of a file"
node 4 "$scratch/other"
WANTED=$scratch/other same file "a node with other bytes reads all of it"
node 2
same file "a third node"
servers=$good

tier_key key2
node 5
KEY=$scratch/key2 same file "a node with another secret"
is "$(counter tier_hits)" 0 "has nothing of the others"
chmod 644 "$scratch/key2"
node 5
KEY=$scratch/key2 tiered true 2>"$scratch/refusal"
is $? 1 "a secret that others may read is refused"
check "by a sentence that says what to do" grep -q "chmod 600" "$scratch/refusal"
KEY=$scratch/key3 tiered true 2>"$scratch/refusal"
is $? 1 "no secret at all is refused"
# a program that inherits it goes on without
RAWCACHE_PATHS=$CACHED_PATH RAWCACHE_DEVICE=$IMAGE RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key2 \
	RAWCACHE_TIER_NAME=$CACHED_PATH=data LD_PRELOAD=$RAWCACHE_PRELOAD cmp "$CACHED_PATH/file" "$scratch/back/file"
ok $? "a program that inherits it reads without a tier"
is "$(counter tier_gets)" 0 "and asks nothing"

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

# a server between, which spoils what a good one has
for mode in wrong replay flip; do
	fake $mode "$three_port"
	servers=127.0.0.1:$fake_port
	node 9
	same file "$mode, first"
	node 9
	same file "$mode"
	at_least "$(counter tier_bad)" 1 "$mode: values that do not open are counted"
	is "$(($(counter tier_hits) > 16))" 0 "$mode: few chunks of it are used"
	stop "$fake_pid"
done
for mode in drip stall garbage noise huge random short opaque cut lease full late line unasked; do
	fake $mode
	servers=127.0.0.1:$fake_port
	node 9
	same file "$mode"
	is "$(counter tier_hits)" 0 "$mode: nothing of it is used"
	stop "$fake_pid"
done
servers=127.0.0.1:$(free_port)
node 9
same file "nothing listens"

# the program sees nothing of it
servers=127.0.0.1:$three_port
node 9
tiered python3 "$TOP_SRCDIR/tests/faults/tier_seen.py" "$CACHED_PATH/file" "$CACHED_PATH/small" >"$scratch/seen"
is "$(cat "$scratch/seen")" "0 True" "descriptors stay as they are, and a fork child reads"
node 9
is "$(cached cat "$CACHED_PATH/file" /proc/self/maps | grep -ac libsodium)" 0 \
	"without RAWCACHE_TIER libsodium is not loaded"
done_testing
