#!/bin/bash
# SPDX-License-Identifier: MIT
# Unmodified programs under the shim, on a slow origin: the same bytes as without it, and no
# request for data at the origin the second time.
. "$(dirname "$0")/../lib.sh"
need python3 git tar gzip rsync
need_origin

mkdir -p "$scratch/store"
make_content() {
	cp -r "$TOP_SRCDIR/src" "$TOP_SRCDIR/include" "$scratch/store/"
	head -c 3000000 /dev/urandom >"$scratch/store/random.bin"
	head -c 262144 /dev/urandom >"$scratch/store/chunk.bin"
	head -c 262145 /dev/urandom >"$scratch/store/chunk-and-one.bin"
	printf x >"$scratch/store/one-byte"
	: >"$scratch/store/empty"
	seq 1 200000 >"$scratch/store/numbers.txt"
	gzip -k "$scratch/store/numbers.txt"
	git -c init.defaultBranch=main init -q "$scratch/store/repo"
	(cd "$scratch/store/repo" && cp -r "$scratch/store/src" . && git add . &&
		git -c user.name=t -c user.email=t@t commit -qm one && git repack -qad)
}
make_content
age "$scratch/store"
origin_mount "$scratch/store" "$scratch/mnt" --latency=2 --bandwidth=200M ||
	skip_all "the origin cannot be mounted"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mnt
"$RAWCACHE" format --size 256M "$IMAGE" >/dev/null || exit 1
m=$scratch/mnt

# Each program: its output without the shim on the backing store, then under the shim twice.
# The page cache of the mount is dropped in between by mounting it anew.
remount() {
	origin_umount "$m" && origin_mount "$scratch/store" "$m" --latency=2 --bandwidth=200M
}

# same NAME COMMAND...: @ stands for the directory
same() {
	name=$1
	shift
	(cd "$scratch/store" && "${@//@/$scratch/store}") 2>&1 |
		sed "s#$scratch/store#DIR#g" >"$scratch/native.out"
	for round in first second; do
		remount
		origin_control "$m" reset
		(cd "$m" && cached "${@//@/$m}") 2>&1 | sed "s#$m#DIR#g" >"$scratch/$round.out"
		check "$name: same output, $round time" cmp "$scratch/native.out" "$scratch/$round.out"
	done
	is "$(origin_stat "$m" read)" 0 "$name: no read request the second time"
}

same cat cat @/random.bin @/empty @/one-byte @/chunk.bin @/chunk-and-one.bin
same "dd with odd blocks" dd if=@/random.bin bs=4097 skip=3 count=500 status=none
same "dd with large blocks" dd if=@/random.bin bs=1M status=none
same tar tar -C @ --sort=name --owner=0 --group=0 -cf - src include
same gzip gzip -dc @/numbers.txt.gz
same "grep -r" grep -rn "fence_full" @/src
same "python3: read, seek, readinto, subprocess" python3 "$TOP_SRCDIR/tests/programs/programs_reads.py" @
same cp sh -c \
	'cp -r "$1/src" "$2/copy" && cd "$2/copy" && find . -type f -exec sha256sum {} + | sort -k2; rm -rf "$2/copy"' \
	sh @ "$scratch"
same rsync sh -c \
	'rsync -a "$1/src/" "$2/synced" && cd "$2/synced" && find . -type f -exec sha256sum {} + | sort -k2
	rm -rf "$2/synced"' sh @ "$scratch"
same "git fsck and log" git -C @/repo -c safe.directory='*' fsck --full --no-progress
# links would change the times of what is cloned
same "git clone" sh -c \
	'git -c safe.directory="*" clone -q --no-hardlinks "$1/repo" "$2/clone" 2>&1
	git -C "$2/clone" rev-parse HEAD; rm -rf "$2/clone"' sh @ "$scratch"
same "shell redirections share a position" sh -c \
	'(head -n 1; cat) < "$1/numbers.txt" | cksum; exec 3< "$1/numbers.txt"
	read -r a <&3; read -r b <&3; echo "$a $b"; tail -n +3 <&3 | cksum' sh @

at_least "$(counter hits)" 1000 "reads were hits"
is "$(counter verify_failed)" 0 "no checksum failed"
is "$(counter fill_errors)" 0 "no fill failed"
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
