#!/bin/bash
# SPDX-License-Identifier: MIT
# The tier's answer is late and the origin is read, too: whichever comes first is taken. A server that answers before an
# origin of 300 ms would, but after half of its time, and one that answers later than that.
. "$(dirname "$0")/../lib.sh"
need memcached python3
need_origin
ldconfig -p | grep -q 'libsodium\.so\.23' || skip_all "libsodium is not installed"
mkdir -p "$scratch/back"
head -c $((4 << 20)) /dev/urandom >"$scratch/back/file"
age "$scratch/back"
head -c 32 /dev/urandom >"$scratch/key"
chmod 600 "$scratch/key"
real=$(free_port)
memcached -u root -l 127.0.0.1 -p "$real" -m 64 2>"$scratch/memcached.log" &
pids="$pids $!"
port_wait "$real"
# node N PORT: a fresh image, and what a program reads with eight threads in no order, by that server
node() {
	IMAGE=$scratch/node$1.img
	CACHED_PATH=$scratch/mnt$1
	[ -d "$CACHED_PATH/.origin" ] || origin_mount "$scratch/back" "$CACHED_PATH" --latency=300 --direct-io
	"$RAWCACHE" format --force --size 64M "$IMAGE" >/dev/null
	RAWCACHE_TIER=127.0.0.1:$2 RAWCACHE_TIER_KEY=$scratch/key RAWCACHE_TIER_NAME=$CACHED_PATH=data cached \
		python3 "$(dirname "$0")/tier_race.py" "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "$3: every byte is right"
	RAWCACHE_TIER='' cached cmp "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "$3: and what was stored is"
}
node 1 "$real" "the first node"
at_least "$(counter tier_puts)" 8 "it puts what it reads"
for mode in slow slower; do
	port=$(free_port)
	python3 "$(dirname "$0")/tier_fake.py" $mode "$port" "$real" 2>"$scratch/fake.log" &
	fake_pid=$!
	pids="$pids $!"
	port_wait "$port"
	for _ in $(seq 10); do
		node 2 "$port" "a $mode server"
		[ "$mode" = slow ] && won=tier_hedge_lost || won=tier_timeouts
		[ "$(counter $won)" -eq 0 ] || break
	done
	at_least "$(counter tier_hedged)" 1 "$mode: the origin is asked, too"
	at_least "$(counter $won)" 1 "$mode: the first answer is taken"
	at_most "$(counter tier_hedge_lost)" "$(counter tier_hedged)" "$mode: no more races are lost than begun"
	is "$(($(counter tier_hits) + $(counter origin_bytes) / 262144 >= 16))" 1 \
		"$mode: each chunk came from one of them"
	stop "$fake_pid"
done
# answers that do not open come at any moment of the origin's read, and of what is done with it
CACHED_PATH=$scratch/mnt3
origin_mount "$scratch/back" "$CACHED_PATH" --latency=30 --direct-io
for n in $(seq 10); do
	port=$(free_port)
	python3 "$(dirname "$0")/tier_fake.py" flip "$port" "$real" 2>"$scratch/fake.log" &
	fake_pid=$!
	pids="$pids $!"
	port_wait "$port"
	node 3 "$port" "a server that spoils, $n"
	stop "$fake_pid"
done
done_testing
