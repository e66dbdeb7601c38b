#!/bin/bash
# SPDX-License-Identifier: MIT
# What servers of the tier may be started with: a disk behind too little memory, which is damaged later; items that are
# too small; a login; another memcached than 1.6. And connections that end when nobody asks.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
size=$((80 << 20))
tier_file $size
age "$scratch/back"
tier_key
latency=10

# reads WHAT: a fresh machine reads all of the file
reads() {
	"$RAWCACHE" format --force --size 160M "$IMAGE" >/dev/null
	tiered cmp "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "$1: every byte is right"
}
# asked NAME PORT: a figure of a server
asked() {
	exec 8<>"/dev/tcp/127.0.0.1/$2"
	printf 'stats\r\nquit\r\n' >&8
	tr -d '\r' <&8 | sed -n "s/^STAT $1 //p"
	exec 8>&-
}

# 80 MiB of values in 32 of memory, of which 24 hold any
memcached_start disk -m 32 -o "ext_path=$scratch/values:256M,ext_item_age=0"
# shellcheck disable=SC2154 # memcached_start names it
servers=127.0.0.1:$disk_port
node 1
reads "a server with a disk, the first node"
at_least "$(counter tier_puts)" 160 "it puts what it reads"
at_least "$(asked extstore_objects_written "$disk_port")" 64 "the server writes values to its disk"
node 2
reads "the second node"
at_least "$(counter tier_hit_bytes)" $((25 << 20)) "it has more than the server's memory holds"
at_least "$(asked get_extstore "$disk_port")" 1 "values came from the disk"
is "$(counter tier_bad) $(asked badcrc_from_extstore "$disk_port")" "0 0" "and all of them were right"
# the disk is damaged: the server's own sum finds most, the seal the others
head -c $((256 << 20)) /dev/zero | dd of="$scratch/values" bs=1M conv=notrunc status=none
node 3
reads "the server's disk is damaged"
at_least "$(asked badcrc_from_extstore "$disk_port")" 1 "the server has seen it"
stop "$disk_pid"

# refused PORT SENTENCE WHAT: the checks say what to do; reads go on
refused() {
	servers=127.0.0.1:$1
	node 4
	RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key RAWCACHE_TIER_NAME=$CACHED_PATH=data \
		"$RAWCACHE" tier check >"$scratch/told" 2>&1
	is "$?" 1 "$3: tier check fails"
	check "$3: it says why" grep -q "$2" "$scratch/told"
	RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key RAWCACHE_TIER_NAME=$CACHED_PATH=data \
		"$RAWCACHE" doctor --cache "$IMAGE" cat >"$scratch/told" 2>&1
	check "$3: doctor says it, too" grep -q "^warn .*$2" "$scratch/told"
	reads "$3"
	is "$(counter tier_hits)" 0 "$3: nothing of it is used"
}
size=$((8 << 20))
tier_file $size
age "$scratch/back"
memcached_start small -m 64 -I 128k -o slab_chunk_max=65536
# shellcheck disable=SC2154
refused "$small_port" "does not take 256 KiB: give it more memory (-m), or items of 512 KiB (-I)" "items of 128 KiB"
stop "$small_pid"
echo user:word >"$scratch/login"
memcached_start login -m 64 -Y "$scratch/login"
# shellcheck disable=SC2154
refused "$login_port" "is no memcached 1.6, or wants a login" "a login"
stop "$login_pid"
# the meta commands came with 1.6
fake old
refused "$fake_port" "is no memcached 1.6, or wants a login" "memcached 1.4"
stop "$fake_pid"

# a program that has read goes on without threads and connections, and asks again
cp "$scratch/back/file" "$scratch/back/again"
age "$scratch/back"
memcached_start server -m 64
# shellcheck disable=SC2154
servers=127.0.0.1:$server_port
node 1
reads "one node"
tiered cmp "$CACHED_PATH/again" "$scratch/back/again"
ok $? "and another file"
none=$(asked curr_connections "$server_port")
node 2
mkfifo "$scratch/orders"
"$RAWCACHE" format --force --size 64M "$IMAGE" >/dev/null
tiered python3 "$TOP_SRCDIR/tests/faults/tier_idle.py" "$CACHED_PATH" "$back" <"$scratch/orders" \
	>"$scratch/said" &
reader=$!
pids="$pids $reader"
exec 7>"$scratch/orders"
for _ in $(seq 600); do
	[ -s "$scratch/said" ] && break
	sleep 0.05
done
is "$(cat "$scratch/said")" "True True" "a program that asks nothing more has no thread but its own"
gets=$(counter tier_gets)
at_least "$gets" 1 "though it has asked"
is "$(asked curr_connections "$server_port")" "$none" "and no connection"
exec 7>&-
wait $reader
is "$(tail -n 1 "$scratch/said")" True "it reads again"
at_least "$(counter tier_gets)" $((gets + 1)) "and asks again"
done_testing
