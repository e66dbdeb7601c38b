#!/bin/bash
# SPDX-License-Identifier: MIT
# The tier over time: servers that are restarted, or have no room; machines that are killed while others wait for what
# they fetch; programs that confine themselves, change their rights, become others, or fork. What explain and doctor
# tell.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((8 << 20))
echo small >"$scratch/back/small"
age "$scratch/back"
tier_key

# reads WHAT: a program has every byte
reads() {
	tiered cmp "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "$1"
}
# anew N: a fresh machine reads all of it
anew() {
	node "$1"
	tiered cmp "$CACHED_PATH/file" "$scratch/back/file"
}
# reads_until COUNTER WHAT N: fresh machines read until it is not zero
reads_until() {
	tier_until "$1" anew "$3"
	at_least "$(counter "$1")" 1 "$2"
}

memcached_start server -m 64
# shellcheck disable=SC2154 # memcached_start names it
port=$server_port servers=127.0.0.1:$server_port
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
tiered python3 -c 'import os, sys, time
f = open(sys.argv[1], "rb", 0)
f.read(1 << 20)
print(os.getpid(), "is on the way", flush=True)
f.read()
time.sleep(100)' "$CACHED_PATH/file" >"$scratch/said" &
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

# programs that do what helpers must not be in the way of
"$RAWCACHE" format --force --size 64M "$scratch/node4.img" >/dev/null
node 4
cp "$TOP_SRCDIR/tests/faults/tier_life.py" "$scratch/life.py" # others may read it there
chmod 755 "$scratch"
for what in fork exec seccomp late hidden set\*id capset; do
	node 4
	tiered python3 "$scratch/life.py" "$CACHED_PATH/file" "$scratch/back/file" "$what" >"$scratch/seen"
	is "$(tail -n 1 "$scratch/seen")" "True 0 True" "$what: the program, and its child, have every byte"
done

# what a program reads through a mapping is put, too; another machine has it
IMAGE=$scratch/node7.img
CACHED_PATH=$scratch/mnt7
origin_mount "$scratch/back" "$CACHED_PATH" --latency=5
"$RAWCACHE" format --force --size 64M "$IMAGE" >/dev/null
# maps WHAT: a program touches each page of the mapped file, and lasts until the chunks are stored
maps() {
	RAWCACHE_TIER_EPOCH=7 tiered python3 -c 'import mmap, sys, time
f = open(sys.argv[1], "rb")
data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
same = data[:] == open(sys.argv[2], "rb").read()
time.sleep(2)
sys.exit(not same)' "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "$1: the program has every byte"
	RAWCACHE_TIER='' cached cmp "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "$1: what was stored is right"
}
maps "a mapped file"
at_least "$(counter tier_puts)" 8 "a mapped file: its chunks are put"
"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
maps "mapped again"
at_most "$(counter tier_puts)" 32 "mapped again: what the tier has is not put again"
for _ in $(seq 20); do
	node 2
	RAWCACHE_TIER_EPOCH=7 tiered cmp "$CACHED_PATH/file" "$scratch/back/file"
	[ "$(counter tier_hits)" -eq 0 ] || break
done
at_least "$(counter tier_hits)" 1 "another machine has chunks of it"

# a process that has no network: the others of its machine go on as before
if [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
	node 6
	tiered unshare -n cmp "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "without a network: the program has every byte"
	is "$(counter tier_hits) $(counter tier_errors)" "0 0" "and no server is thought to have failed"
	"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
	tiered unshare -n sh -c 'ip link set lo up; exec cmp "$1" "$2"' - "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "a container's own 127.0.0.1, where nothing listens: the program has every byte"
	at_least "$(counter tier_errors)" 1 "it is refused there"
	for _ in $(seq 20); do
		"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
		tiered cmp "$CACHED_PATH/file" "$scratch/back/file"
		[ "$(counter tier_hits)" -eq 0 ] || break
	done
	at_least "$(counter tier_hits)" 1 "another program of the machine asks the server"
	RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key "$RAWCACHE" tier status --cache "$IMAGE" >"$scratch/told"
	check "tier status tells how long an answer takes" grep -q "^127.*an answer takes [0-9.]* ms" "$scratch/told"
	is "$(grep -c "the last error" "$scratch/told")" 0 \
		"and of no error: what another network has is no server of ours"
else
	skip "without a network" "network namespaces cannot be made here"
fi

# what the commands tell
node 5
export RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key RAWCACHE_TIER_NAME=$CACHED_PATH=data
"$RAWCACHE" explain --cache "$IMAGE" --path "$CACHED_PATH" "$CACHED_PATH/file" "$CACHED_PATH/small" \
	>"$scratch/explained"
check "explain names data set and server" grep -q "^tier .*data set data; .* on 127.0.0.1:$port" "$scratch/explained"
check "explain says why a small file is not shared" grep -q "^tier .*no: it is below 64 KiB" "$scratch/explained"
"$RAWCACHE" explain --json --cache "$IMAGE" --path "$CACHED_PATH" "$CACHED_PATH/file" >"$scratch/explained"
is "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["files"][0]["tier"]["server"])' <"$scratch/explained")" \
	"127.0.0.1:$port" "explain --json has it, too"
if "$RAWCACHE" doctor --cache "$IMAGE" cat >"$scratch/told" || ! grep -q 'unknown command' "$scratch/told"; then
	check "doctor says that the server is good" grep -q "^ok .*127.0.0.1:$port takes a chunk" "$scratch/told"
	stop "$server_pid"
	"$RAWCACHE" doctor --cache "$IMAGE" cat >"$scratch/told"
	check "doctor says that nothing listens" grep -q "^warn .*127.0.0.1:$port: nothing listens" "$scratch/told"
fi
done_testing
