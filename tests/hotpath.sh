#!/bin/bash
# SPDX-License-Identifier: MIT
# A warm read makes no system call: strace counts those of a program between two marks.
. "$(dirname "$0")/lib.sh"
need strace
mkdir -p "$scratch/store"
head -c 1000000 /dev/urandom >"$scratch/store/a"
age "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/store
"$RAWCACHE" format --size 32M "$IMAGE" >/dev/null || exit 1
reader=$TOP_BUILDDIR/tests/reader
calls() {
	cached strace -f -o "$scratch/trace" "$reader" "$1" "$scratch/store/a" >"$scratch/out" || return 1
	# the reader calls getppid() before and after its warm pass
	sed -n '/getppid/,/getppid/p' "$scratch/trace" | grep -vc getppid
}
calls read >/dev/null
for way in read pread readv; do
	is "$(calls $way)" 0 "1000 warm 4 KiB reads with $way make no system call"
done
strace -f -o "$scratch/trace" "$reader" read "$scratch/store/a" >"$scratch/native"
at_least "$(sed -n '/getppid/,/getppid/p' "$scratch/trace" | grep -vc getppid)" 1000 \
	"without the shim they make them (the count can fail)"
check "and read the same" cmp "$scratch/out" "$scratch/native"
done_testing
