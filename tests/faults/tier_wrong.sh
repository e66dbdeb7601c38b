#!/bin/bash
# SPDX-License-Identifier: MIT
# Servers of a tier that answer wrongly, in each way, or spoil what a good one has: every byte is compared.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((8 << 20))
age "$back"
tier_key

# a server between, which spoils what a good one has
tier_start good
node 1
same file "the first node"
for mode in wrong replay flip; do
	fake $mode "$good_port"
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
done_testing
