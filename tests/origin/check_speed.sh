#!/bin/bash
# SPDX-License-Identifier: MIT
# The slow origin counts and logs what it is asked for, and is as slow as it is told to be.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/check.inc"

mount_origin --log="$scratch/log"
tell reset
: >log
read_direct mnt/big
is "$(stat_of read) $(stat_of read_bytes)" "1 65536" "a read is counted"
is "$(cat log)" "$(stat -c %i back/big) 0 65536 /big" "a read is logged"
tell reset
is "$(stat_of read)$(stat_of open)$(stat_of lookup)" 000 "reset; reading the counters does not count"
sh -c 'echo nonsense >mnt/.origin/control' 2>/dev/null
is $? 1 "a command that makes no sense is refused"

tell "latency 200" reset
start=$(now_ms)
readers=
for i in $(seq 64); do
	read_direct mnt/big &
	readers="$readers $!"
done
# shellcheck disable=SC2086
wait $readers
took=$(($(now_ms) - start))
[ $took -ge 200 ] && [ $took -lt 3000 ] && [ "$(stat_of max_read_in_flight)" -ge 16 ]
ok $? "64 reads of 200 ms each overlap ($took ms, $(stat_of max_read_in_flight) at once)"
tell "latency 0" "bandwidth 16M"
start=$(now_ms)
dd if=mnt/big of=/dev/null bs=1M iflag=direct 2>/dev/null
took=$(($(now_ms) - start))
[ $took -ge 490 ] && [ $took -lt 1500 ]
ok $? "8 MiB at 16 MiB/s ($took ms)"
done_testing
