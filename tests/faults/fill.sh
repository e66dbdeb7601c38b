#!/bin/bash
# SPDX-License-Identifier: MIT
# Fills on a slow origin: every way of reading by every backend, how often the origin is read, and
# how long it takes. usage: fill.sh
. "$(dirname "$0")/../lib.sh"
need_origin
need python3

mkdir "$scratch/back"
head -c 33000000 /dev/urandom >"$scratch/back/file"
head -c 33000000 /dev/urandom >"$scratch/back/other"
truncate -s 300M "$scratch/back/huge"
printf middle | dd of="$scratch/back/huge" bs=1 seek=150000000 conv=notrunc status=none
age "$scratch/back"
origin_mount "$scratch/back" "$scratch/mnt" --latency=1 || skip_all "cannot mount the origin"
CACHED_PATH=$scratch/mnt
IMAGE=$scratch/fill.img
reads=$TOP_SRCDIR/tests/faults/fill_reads.py
file=$scratch/mnt/file
original=$scratch/back/file

fresh() {
	"$RAWCACHE" format --force --yes --size "${1:-128M}" "$IMAGE" >/dev/null
}

# Drop what the kernel has of the origin, without root.
forget() {
	python3 -c 'import os,sys
for p in sys.argv[1:]:
    f = os.open(p, os.O_RDONLY); os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)' \
		"$scratch/mnt/file" "$scratch/mnt/other" "$scratch/mnt/huge" "$@"
}

origin_bytes() {
	origin_stat "$scratch/mnt" read_bytes
}

for io in threads io_uring sync; do
	export RAWCACHE_IO=$io
	for how in sequential small large strided backwards advised forking locked; do
		fresh
		forget
		check "$io: $how" cached python3 "$reads" $how "$file" "$original"
	done
	fresh
	forget
	check "$io: closing" cached python3 "$reads" closing "$file" "$original" "$scratch/mnt/other"
	check "$io: what was stored is right" "$RAWCACHE" verify --cache "$IMAGE"
done
unset RAWCACHE_IO

# --- where io_uring, or what helper threads need, is forbidden
for error in EPERM ENOSYS; do
	for what in "" all; do
		fresh
		forget
		export RAWCACHE_IO=io_uring
		# shellcheck disable=SC2086
		cached "$TOP_BUILDDIR/tests/shim/no_uring" $error $what python3 "$reads" sequential "$file" \
			"$original" >"$scratch/out" 2>&1
		is "$? $(cat "$scratch/out")" "0 " \
			"io_uring ${what:+and helpers }forbidden with $error: right, and not a word of it"
		unset RAWCACHE_IO
		before=$(origin_bytes)
		check "forbidden with $error: the second pass" cached cmp "$file" "$original"
		is $(($(origin_bytes) - before)) 0 "forbidden with $error: what was read is stored"
		at_least $(($(counter readahead_bytes) * 100 / 33000000)) 90 \
			"forbidden with $error: read ahead by helpers all the same (percent)"
	done
done
fresh
forget
check "no memory may be locked" bash -c "ulimit -l 0; RAWCACHE_IO=io_uring '$RAWCACHE' run --path '$CACHED_PATH' \
	--cache '$IMAGE' -- python3 '$reads' sequential '$file' '$original'"

# --- helpers' descriptors
fresh
forget
before=$(origin_stat "$scratch/mnt" open)
check "a large file is read ahead" cached cat "$file"
at_most $(($(origin_stat "$scratch/mnt" open) - before)) 2 "and opened once more for all helpers"
fresh
forget
check "who has closed a file has it open nowhere" cached python3 "$reads" released "$file" "$original" \
	"$scratch/mnt/other"

# --- a mount that stalls
origin_mount "$scratch/back" "$scratch/stalls"
fresh
forget
origin_control "$scratch/stalls" "stall read"
CACHED_PATH=$scratch
check "a mount that stalls does not hold up reads of another" cached timeout -s KILL 60 \
	python3 "$reads" apart "$file" "$original" "$scratch/stalls/file" "$scratch/stalls/other" "$scratch/stalls/huge"
origin_control "$scratch/stalls" "clear"
CACHED_PATH=$scratch/mnt
at_least $(($(counter readahead_bytes) * 100 / 33000000)) 90 "which are read ahead as ever (percent)"

# --- a program that closes its file at once, and ends
mkdir "$scratch/short"
head -c 3000000 /dev/urandom >"$scratch/short/file"
age "$scratch/short"
CACHED_PATH=$scratch/short
lost=0
for i in $(seq 20); do
	fresh
	for round in first second; do
		cached dd if="$scratch/short/file" bs=256k status=none >/dev/null
	done
	[ "$(counter origin_bytes)" -eq 3000000 ] || lost=$((lost + 1))
done
is $lost 0 "what short programs read is stored, each time of twenty"
CACHED_PATH=$scratch/mnt

# --- small files, which are stored many at a time
mkdir "$scratch/back/many"
for i in $(seq 100); do head -c $((i * 500)) /dev/urandom >"$scratch/back/many/$i"; done
age "$scratch/back/many"
for how in exit _exit quick_exit syscall exec again; do
	fresh
	check "$how after many small files" cached python3 "$reads" leaving "$scratch/mnt/many" "$scratch/back/many" \
		$how
	before=$(origin_bytes)
	cached cat "$scratch"/mnt/many/* | cmp - <(cat "$scratch"/back/many/*)
	is "${PIPESTATUS[*]} $(($(origin_bytes) - before))" "0 0 0" "$how: all of them are stored, and right"
	is "$("$RAWCACHE" ls --cache "$IMAGE" | grep -c 100%)" 100 "$how: and known by their names"
done
for io in io_uring sync; do
	fresh
	check "$io: many small files" env RAWCACHE_IO=$io "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- \
		python3 "$reads" leaving "$scratch/mnt/many" "$scratch/back/many" _exit
	before=$(origin_bytes)
	check "$io: a second pass" cached cat "$scratch"/mnt/many/*
	is $(($(origin_bytes) - before)) 0 "$io: all of them are stored"
done
check "and all that is stored is right" "$RAWCACHE" verify --cache "$IMAGE"

# --- many short-lived readers, killed or not: nothing is left of them
for io in threads io_uring sync; do
	fresh
	forget
	RAWCACHE_IO=$io
	export RAWCACHE_IO
	check "$io: a fork bomb of readers" cached timeout 60 python3 "$reads" bomb "$file" "$original"
	unset RAWCACHE_IO
	is "$("$RAWCACHE" stat --cache "$IMAGE" --json | python3 -c 'import json, sys
print(len(json.load(sys.stdin)["processes"]))')" 0 "no slot is taken by who is gone"
	check "nor pins, flights, locks or anything else of the segment" "$TOP_BUILDDIR/tests/faults/left" "$IMAGE"
	check "and what they stored is right" "$RAWCACHE" verify --cache "$IMAGE"
done

# --- how often the origin is read
# on a mount where opening a file does not drop what the kernel is reading of it for others
origin_mount "$scratch/back" "$scratch/kept" --latency=1 --keep-cache
CACHED_PATH=$scratch/kept
fresh
readers=
for i in 1 2 3 4 5 6 7 8; do
	cached cmp "$scratch/kept/file" "$original" &
	readers="$readers $!"
done
status=0
for pid in $readers; do
	wait "$pid" || status=1
done
ok $status "eight processes at once read the right bytes"
at_most $(($(origin_stat "$scratch/kept" read_bytes) * 100 / 33000000)) 105 "and the origin once (percent)"
CACHED_PATH=$scratch/mnt
fresh
forget
cached cat "$file" >/dev/null
before=$(origin_bytes)
check "a second pass" cached cmp "$file" "$original"
is $(($(origin_bytes) - before)) 0 "does not read the origin"

fresh 16M
forget
before=$(origin_bytes)
check "random small reads of a file larger than the image" \
	cached python3 "$reads" random "$scratch/mnt/huge" "$scratch/back/huge" 3000
at_most $((($(origin_bytes) - before) * 10 / (3000 * 4096))) 160 "amplification (tenths)"
fresh
forget
before=$(origin_bytes)
cached python3 "$reads" random "$scratch/mnt/huge" "$scratch/back/huge" 1
at_most $(($(origin_bytes) - before)) 65536 "a first random read fetches little"

# --- latencies
fresh
forget
for n in 1 2 2; do
	RAWCACHE_READAHEAD=0 cached dd if="$file" bs=$((n * 262144)) count=1 status=none >"$scratch/out"
	counter hit_latency.count
done >"$scratch/counts"
is "$(tr '\n' ' ' <"$scratch/counts")" "0 0 1 " "a read that hits and misses does not count as a hit's latency"

# --- time
seconds() {
	/usr/bin/env python3 -c 'import subprocess, sys, time
t = time.time()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(int((time.time() - t) * 1000))' "$@"
}

forget
plain=$(seconds dd if="$file" of=/dev/null bs=4k)
fresh
forget
ahead=$(seconds "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- dd if="$file" of=/dev/null bs=4k)
echo "# dd bs=4k: $plain ms, below the cache $ahead ms"
at_most $ahead $((plain * 3 / 2 + 300)) "a first pass is not much slower than without the cache"

# --- an owner that reads ahead and does something else
CACHED_PATH=$scratch/kept
fresh
forget "$scratch/kept/file"
before=$(origin_stat "$scratch/kept" read_bytes)
"$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- python3 -c 'import os, sys, time
f = os.open(sys.argv[1], os.O_RDONLY)
for i in range(8): os.read(f, 1 << 18)
print("ready", flush=True)
time.sleep(60)' "$scratch/kept/file" >"$scratch/ready" &
owner=$!
pids="$pids $owner"
for i in $(seq 100); do grep -q ready "$scratch/ready" && break; sleep 0.05; done
check "who needs what a sleeping process reads ahead has it" cached cmp "$scratch/kept/file" "$original"
at_most $((($(origin_stat "$scratch/kept" read_bytes) - before) * 100 / 33000000)) 105 \
	"and reads none of it again (percent)"
kill -0 $owner
ok $? "while that one sleeps"
kill $owner 2>/dev/null
wait $owner 2>/dev/null
CACHED_PATH=$scratch/mnt

# --- warm, ls, drop
fresh
mkdir "$scratch/back/tree"
for i in $(seq 50); do head -c $((i * 1000)) /dev/urandom >"$scratch/back/tree/$i"; done
age "$scratch/back/tree"
check "warm" "$RAWCACHE" warm --cache "$IMAGE" "$scratch/mnt/tree" "$file"
before=$(origin_bytes)
check "warm again" "$RAWCACHE" warm --cache "$IMAGE" "$scratch/mnt/tree" "$file"
is $(($(origin_bytes) - before)) 0 "reads nothing"
is "$("$RAWCACHE" ls --cache "$IMAGE" | grep -c 100%)" 51 "ls lists all files, whole"
is "$("$RAWCACHE" ls --cache "$IMAGE" "$scratch/mnt/tree/50" | grep -c /50)" 1 "ls of one"
check "drop a file" "$RAWCACHE" drop --cache "$IMAGE" "$file"
is "$("$RAWCACHE" ls --cache "$IMAGE" | grep -c 100%)" 50 "ls knows it no more"
check "drop a directory" "$RAWCACHE" drop --cache "$IMAGE" "$scratch/mnt/tree"
is "$("$RAWCACHE" ls --cache "$IMAGE" --json | grep -c path)" 0 "nothing is left"
fresh 10M
"$RAWCACHE" warm --cache "$IMAGE" "$file" >/dev/null 2>"$scratch/warm.err"
is "$?" 1 "warm of more than fits"
grep -q "did not fit" "$scratch/warm.err"
ok $? "says so"

# --- failures of the origin
fresh
forget
origin_control "$scratch/mnt" "fail read EIO 3" 2>/dev/null
cached dd if="$file" of="$scratch/out" bs=64k 2>/dev/null
origin_control "$scratch/mnt" "clear" 2>/dev/null
forget
check "after errors of the origin" cached cmp "$file" "$original"
check "nothing wrong was stored" "$RAWCACHE" verify --cache "$IMAGE"
export RAWCACHE_DIRECT=1
fresh
forget
check "RAWCACHE_DIRECT=1" cached cmp "$file" "$original"
check "RAWCACHE_DIRECT=1, second pass" cached cmp "$file" "$original"
check "RAWCACHE_DIRECT=1, verify" "$RAWCACHE" verify --cache "$IMAGE"
# --- what the kernel remembers of a file on FUSE: RAWCACHE_REVALIDATE=sync asks the server
mkdir -p "$scratch/told"
head -c 600000 /dev/urandom >"$scratch/told/file"
age "$scratch/told"
origin_mount "$scratch/told" "$scratch/told.mnt" --attr-timeout=60 --entry-timeout=60 ||
	skip_all "the origin cannot be mounted"
CACHED_PATH=$scratch/told.mnt
unset RAWCACHE_DIRECT
cached cat "$scratch/told.mnt/file" >/dev/null
head -c 600000 /dev/urandom | dd of="$scratch/told/file" conv=notrunc status=none
check "a change behind the kernel's back is seen at the next open" sh -c \
	"RAWCACHE_REVALIDATE=sync '$RAWCACHE' run --path '$CACHED_PATH' --cache '$IMAGE' -- \
		cat '$scratch/told.mnt/file' |
		cmp - '$scratch/told/file'"
done_testing
