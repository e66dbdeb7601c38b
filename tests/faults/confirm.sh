#!/bin/bash
# SPDX-License-Identifier: MIT
# Attributes that are older than the bytes: a file is replaced at the server and read while the
# mount shows its old attributes, then rolled back. What never changed reads as it always did. How
# often the server is asked for that (INV-4).
. "$(dirname "$0")/../lib.sh"
need python3 fusermount3
need_origin
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/m
export RAWCACHE_RUNTIME_DIR=$scratch/run RAWCACHE_SETTLE=0
mkdir "$scratch/m" "$scratch/back" "$scratch/run"
"$RAWCACHE" format --size 128M "$IMAGE" >/dev/null || exit 1

# make LETTER SIZE DATE: the file at the server, in place
make() {
	head -c "$2" /dev/zero | tr '\0' "$1" | dd of="$scratch/back/f" conv=notrunc status=none
	truncate -s "$2" "$scratch/back/f"
	touch -d "$3" "$scratch/back/f"
}
# letters [COMMAND...]: which letters its output has
letters() {
	"$@" | tr -d '\n' | fold -w 1024 | cut -c 1 | sort -u | tr -d '\n'
}
cat >"$scratch/parts.py" <<'P'
import os, random, sys
f = os.open(sys.argv[1], os.O_RDONLY)
n = os.fstat(f).st_size // 4096
for i in random.Random(1).sample(range(n), min(n, 60)):
    os.pread(f, 4096, i * 4096)
P
cat >"$scratch/map.py" <<'P'
import mmap, sys, time
f = open(sys.argv[1], "rb")
m = mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
x = sum(m[i] for i in range(0, len(m), 4096))
time.sleep(0.3)
P

# rollback NAME SIZE READER OPTION...: read by READER while it is another version
rollback() {
	local name=$1 size=$2 reader=$3
	shift 3
	make A "$size" 2026-01-01
	origin_mount "$scratch/back" "$scratch/m" --seconds "$@" || exit 1
	# of a large one, the first chunk is in the cache
	[ "$size" -lt 300000 ] ||
		RAWCACHE_READAHEAD=256K cached head -c 100 "$scratch/m/f" >/dev/null
	stat "$scratch/m/f" >/dev/null
	make B "$size" 2026-02-01
	# shellcheck disable=SC2086
	cached $reader "$scratch/m/f" >/dev/null
	# shellcheck disable=SC2086
	cached $reader "$scratch/m/f" >/dev/null
	make A "$size" 2026-01-01
	origin_umount "$scratch/m"
	mounts=
	origin_mount "$scratch/back" "$scratch/m" --seconds "$@" || exit 1
	is "$(letters cached cat "$scratch/m/f")$(letters cached cat "$scratch/m/f")" AA \
		"$name, $size bytes by ${reader%% *} ${reader##*/}"
	origin_umount "$scratch/m"
	mounts=
	"$RAWCACHE" drop --cache "$IMAGE" --all >/dev/null || exit 1
}
remember="--attr-timeout=60 --entry-timeout=60"
# shellcheck disable=SC2086
for size in 100000 1000000 6000000; do
	for reader in cat "python3 $scratch/parts.py" "python3 $scratch/map.py"; do
		rollback "the kernel remembers (NFS)" $size "$reader" $remember
		rollback "a table until it is opened (sshfs)" $size "$reader" \
			--stale=60 --stale-open -o subtype=sshfs
		rollback "a table (rclone)" $size "$reader" --stale=60 -o subtype=rclone
	done
	rollback "another way of reading" $size "env RAWCACHE_IO=io_uring cat" $remember
	rollback "and none" $size "env RAWCACHE_IO=sync cat" $remember
done

# --- the kernel's pages are older than the attributes
for size in 100000 6000000; do
	for mapped in no yes; do
		make A $size 2026-01-01
		origin_mount "$scratch/back" "$scratch/m" --seconds --keep-cache --no-inval \
			--attr-timeout=0 --entry-timeout=0 || exit 1
		if [ $mapped = yes ]; then
			python3 -c 'import mmap, sys, time
f = open(sys.argv[1], "rb")
m = mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
x = m[:]
open(sys.argv[2], "w").close()
time.sleep(60)' "$scratch/m/f" "$scratch/there" &
			pids=$!
			for _ in $(seq 100); do
				[ ! -e "$scratch/there" ] || break
				sleep 0.1
			done
		else
			cat "$scratch/m/f" >/dev/null
		fi
		make B $size 2026-02-01
		is "$(cat "$scratch/m/f" | head -c 1)" A "the kernel has old pages, mapped: $mapped"
		cached cat "$scratch/m/f" >/dev/null
		for pid in $pids; do
			stop "$pid"
		done
		pids=
		rm -f "$scratch/there"
		origin_umount "$scratch/m"
		mounts=
		origin_mount "$scratch/back" "$scratch/m" --seconds
		is "$(letters cached cat "$scratch/m/f")" B "they are not stored, $size bytes"
		origin_umount "$scratch/m"
		mounts=
	done
done

# --- files that do not change, on a mount that cannot confirm it
make A 6000000 2026-01-01
origin_mount "$scratch/back" "$scratch/m" --stale=60 -o subtype=rclone || exit 1
for trust in 0 1; do
	RAWCACHE_TRUST=$trust cached cat "$scratch/m/f" | cmp - "$scratch/back/f"
	ok $? "RAWCACHE_TRUST=$trust: the first pass"
	reads=$(origin_stat "$scratch/m" read)
	RAWCACHE_TRUST=$trust cached cat "$scratch/m/f" | cmp - "$scratch/back/f"
	ok $? "and the second"
	reads=$(($(origin_stat "$scratch/m" read) - reads))
	if [ $trust = 1 ]; then
		is "$reads" 0 "from the cache"
	else
		at_least "$reads" 1 "from the origin"
	fi
	origin_control "$scratch/m" reset
done
origin_umount "$scratch/m"
mounts=

# --- how often the server is asked
mkdir "$scratch/back/many"
for i in $(seq 100); do
	echo "file $i" >"$scratch/back/many/$i"
done
head -c 33554432 /dev/urandom >"$scratch/back/large"
age "$scratch/back"
origin_mount "$scratch/back" "$scratch/m" --attr-timeout=600 --entry-timeout=600
find "$scratch/m" -type f -exec stat {} + >/dev/null
origin_control "$scratch/m" reset
began=${EPOCHREALTIME/./}
cached cat "$scratch/m/large" | cmp - "$scratch/back/large"
ok $? "a large file"
# one for 8 chunks, or for what comes in 20 ms
at_most "$(origin_stat "$scratch/m" getattr)" $((16 + (${EPOCHREALTIME/./} - began) / 20000)) \
	"looks for its 128 chunks"
at_least "$(origin_stat "$scratch/m" getattr)" 1 "are looks"
reads=$(origin_stat "$scratch/m" read)
cached cat "$scratch/m/large" >/dev/null
is "$(origin_stat "$scratch/m" read)" "$reads" "it is cached"
origin_control "$scratch/m" reset
cached cat "$scratch"/m/many/* >/dev/null
at_most "$(origin_stat "$scratch/m" getattr)" 110 "looks for 100 small files"
at_most "$(origin_stat "$scratch/m" lookup)" 10 "and no names"
is "$(origin_stat "$scratch/m" open)" 100 "each is opened once"
cached cat "$scratch"/m/many/* >/dev/null
is "$(origin_stat "$scratch/m" read)" 100 "and read once"
done_testing
