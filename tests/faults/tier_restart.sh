#!/bin/bash
# SPDX-License-Identifier: MIT
# A server of the tier is started again while a program runs, with the same socket or port: it is asked again within
# moments. What has outlived its time is not in the tier any more.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
for n in $(seq 40); do
	head -c 1500000 /dev/urandom >"$scratch/back/$n"
done
age "$scratch/back"
tier_key
latency=5

# reader: a program that reads what it is told to
reader() {
	tiered python3 "$TOP_SRCDIR/tests/faults/tier_restart.py" "$CACHED_PATH" "$scratch/back" \
		<"$scratch/orders" >"$scratch/said" &
	pids="$pids $!"
	exec 7>"$scratch/orders"
	read_files=0
}
# reads_on [COUNTER VALUE]: the program reads another file; until that counter is larger, but not for ever
reads_on() {
	local n
	for n in $(seq 30); do
		read_files=$((read_files + 1))
		echo $read_files >&7
		until [ "$(wc -l <"$scratch/said")" -ge $read_files ]; do
			sleep 0.02
		done
		[ $# -gt 0 ] && [ "$(counter "$1")" -le "$2" ] || return 0
		sleep 0.1
	done
}

mkfifo "$scratch/orders"
# restarted HOW: a server that is started by `start`, is not there for a while
restarted() {
	start
	node 1
	reader
	reads_on tier_puts 0
	at_least "$(counter tier_puts)" 1 "$1: a program puts what it reads"
	stop "$server_pid"
	rm -f "$scratch/socket"
	reads_on
	reads_on
	puts=$(counter tier_puts)
	start
	reads_on tier_puts "$puts"
	at_least "$(counter tier_puts)" $((puts + 1)) "$1: started again, it is asked by the same program"
	exec 7>&-
	is "$(grep -c True "$scratch/said")" $read_files "$1: every byte is right"
	stop "$server_pid"
}
start() {
	memcached -u root -s "$scratch/socket" -m 64 2>"$scratch/memcached.log" &
	server_pid=$!
	pids="$pids $!"
	for _ in $(seq 200); do
		[ ! -S "$scratch/socket" ] || break
		sleep 0.02
	done
}
servers=unix:$scratch/socket
restarted "a socket file"
start() {
	memcached_start server -m 64
}
server_port=$(free_port)
servers=127.0.0.1:$server_port
restarted "a port"

# a server forgets what has outlived its time
memcached_start server -m 64
export RAWCACHE_TIER_TTL=1
# anew N FILE: a fresh machine reads it
anew() {
	node "$1"
	tiered cmp "$CACHED_PATH/$2" "$scratch/back/$2"
}
tier_until tier_puts anew 2 1
ok $? "values that last for a second: the bytes are right"
at_least "$(counter tier_puts)" 1 "and they are put"
sleep 3
node 3
tiered cmp "$CACHED_PATH/1" "$scratch/back/1"
ok $? "3 s later another machine has every byte"
is "$(counter tier_hits)" 0 "and none of it from the tier"
at_least "$(counter tier_puts)" 1 "which it asks, and puts into"

# memcached takes more than 30 days for a date, long ago: values would be gone at once
export RAWCACHE_TIER_TTL=2592001
tier_until tier_puts anew 2 2
ok $? "values that last for more than 30 days: the bytes are right"
at_least "$(counter tier_puts)" 1 "and they are put"
tier_until tier_hits anew 3 2
at_least "$(counter tier_hits)" 1 "another machine has some of them"
done_testing
