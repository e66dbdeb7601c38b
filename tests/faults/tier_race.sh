#!/bin/bash
# SPDX-License-Identifier: MIT
# The tier's answer is late and the origin is read, too: whichever comes first is taken. A server that answers before an
# origin of 300 ms would, but after half of its time, and one that answers later than that.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((4 << 20))
age "$scratch/back"
tier_key
memcached_start real -m 64
head -c $((1 << 20)) /dev/urandom >"$scratch/back/before"
age "$scratch/back/before"
# races N PORT WHAT: a fresh machine, and what a program reads with eight threads in no order, by that server. Before
# that it learns from another file, with a server that does not exist, what the origin takes.
races() {
	node "$1"
	servers=127.0.0.1:$(free_port) tiered cmp "$CACHED_PATH/before" "$scratch/back/before" || return 1
	servers=127.0.0.1:$2 tiered python3 "$TOP_SRCDIR/tests/faults/tier_race.py" "$CACHED_PATH/file" \
		"$scratch/back/file"
	ok $? "$3: every byte is right"
	RAWCACHE_TIER='' cached cmp "$CACHED_PATH/file" "$scratch/back/file"
	ok $? "$3: and what was stored is"
}
latency=300
# shellcheck disable=SC2154 # memcached_start names it
races 1 "$real_port" "the first node"
at_least "$(counter tier_puts)" 8 "it puts what it reads"
for mode in slow slower; do
	fake $mode "$real_port"
	[ "$mode" = slow ] && won=tier_hedge_lost || won=tier_timeouts
	tier_until $won races 2 "$fake_port" "a $mode server"
	at_least "$(counter tier_hedged)" 1 "$mode: the origin is asked, too"
	at_least "$(counter $won)" 1 "$mode: the first answer is taken"
	at_most "$(counter tier_hedge_lost)" "$(counter tier_hedged)" "$mode: no more races are lost than begun"
	is "$(($(counter tier_hits) + $(counter origin_bytes) / 262144 >= 16))" 1 \
		"$mode: each chunk came from one of them"
	stop "$fake_pid"
done
# answers that do not open come at any moment of the origin's read, and of what is done with it
latency=30
for n in $(seq 10); do
	fake flip "$real_port"
	races 3 "$fake_port" "a server that spoils, $n"
	stop "$fake_pid"
done
done_testing
