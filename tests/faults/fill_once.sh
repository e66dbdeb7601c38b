#!/bin/bash
# SPDX-License-Identifier: MIT
# How often the origin is read: once, by however many programs, and little more than what is asked for.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fill.inc"

fresh
cached cat "$file" >/dev/null
mark origin_bytes
right file "a second pass"
is "$(since)" 0 "does not read the origin"

fresh 16M
mark origin_bytes
check "random small reads of a file larger than the image" reads random "$CACHED_PATH/huge" "$back/huge" 3000
at_most $(($(since) * 10 / (3000 * 4096))) 160 "amplification (tenths)"
fresh
mark origin_bytes
reads random "$CACHED_PATH/huge" "$back/huge" 1
at_most "$(since)" 65536 "a first random read fetches little"

fresh
for n in 1 2 2; do
	RAWCACHE_READAHEAD=0 cached dd if="$file" bs=$((n * 262144)) count=1 status=none >"$scratch/out"
	counter hit_latency.count
done >"$scratch/counts"
is "$(tr '\n' ' ' <"$scratch/counts")" "0 0 1 " "a read that hits and misses does not count as a hit's latency"

requests() {
	origin_stat "$CACHED_PATH" read
}
fresh
mark requests
cached dd if="$file" bs=4k status=none | cmp - "$original"
ok $? "a first pass in small pieces"
at_most "$(since)" 260 "asks for large ones: 128 KiB each or more"

# again: bytes that may have been read twice. Where processors are short, an owner is slower than those who wait
# for it have patience: they read its extent (256 KiB) themselves, and count that.
again() {
	echo $(($(counter fill_waits_vain) * 262144))
}

# from here on, opening a file does not drop what the kernel is reading of it for others
origin --latency=1 --keep-cache
fresh
readers=
for _ in 1 2 3 4 5 6 7 8; do
	cached cmp "$file" "$original" &
	readers="$readers $!"
done
status=0
for pid in $readers; do
	wait "$pid" || status=1
done
ok $status "eight processes at once read the right bytes"
at_most $((($(counter origin_bytes) - $(again)) * 100 / 33000000)) 105 "and the origin once (percent)"
# while pages of one process's read are there, those of others go through the kernel, which reads 128 KiB ahead
at_most $((($(origin_bytes) - $(again)) * 100 / 33000000)) 130 "with what the kernel reads ahead of eight (percent)"

# an owner that reads ahead, and does something else then
fresh
mark origin_bytes
begin python3 "$TOP_SRCDIR/tests/faults/fill_sleeps.py" "$file" >"$scratch/ready"
owner=$begun
wait_until grep -q ready "$scratch/ready"
right file "who needs what a sleeping process reads ahead has it"
at_most $((($(since) - $(again)) * 100 / 33000000)) 105 "and reads none of it again (percent)"
check "while that one sleeps" kill -0 $owner
done_testing
