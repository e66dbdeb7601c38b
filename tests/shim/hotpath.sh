#!/bin/bash
# SPDX-License-Identifier: MIT
# A warm read makes no system call: strace counts those of a program between two marks. And its bytes
# lie in folios of 2 MiB, where the kernel has them for files.
. "$(dirname "$0")/../lib.sh"
need strace
mkdir -p "$scratch/store"
head -c 1000000 /dev/urandom >"$scratch/store/a"
age "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/store
"$RAWCACHE" format --size 32M "$IMAGE" >/dev/null || exit 1
reader=$TOP_BUILDDIR/tests/shim/reader
calls() {
	cached strace -f -o "$scratch/trace" "$reader" "$1" "$scratch/store/a" >"$scratch/out" || return 1
	# the reader calls getppid() before and after its warm pass
	sed -n '/getppid/,/getppid/p' "$scratch/trace" | grep -vc getppid
}
calls read >/dev/null
for way in read pread readv; do
	is "$(RAWCACHE_REVALIDATE=open calls $way)" 0 "1000 warm 4 KiB reads with $way make no system call"
done
# by default they look at the file whenever the coarse clock has moved: within microseconds, in all
at_most "$(calls read)" 100 "and few if they look what others do to the file"
at_most "$(calls left)" 20 "nor after a handler left reads by siglongjmp(), but for giving back what they held"
strace -f -o "$scratch/trace" "$reader" read "$scratch/store/a" >"$scratch/native"
at_least "$(sed -n '/getppid/,/getppid/p' "$scratch/trace" | grep -vc getppid)" 1000 \
	"without the shim they make them (the count can fail)"
check "and read the same" cmp "$scratch/out" "$scratch/native"

# --- large folios: pmd_mapped FILE [READ]: kB of its mappings that one entry of 2 MiB maps
pmd_mapped() {
	python3 "$TOP_SRCDIR/tests/shim/hotpath_folios.py" "$@"
}
pmd_mapped_by_cache() {
	cached python3 "$TOP_SRCDIR/tests/shim/hotpath_folios.py" "$IMAGE" "$scratch/store/big"
}
python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
for i in range(4):
    os.write(fd, bytes(2 << 20))' "$scratch/large"
if [ "$(pmd_mapped "$scratch/large")" -gt 0 ]; then
	head -c 8388608 /dev/urandom >"$scratch/store/big"
	age "$scratch/store"
	IMAGE=$scratch/large.img
	# smaller images have regions without whole blocks of 2 MiB
	"$RAWCACHE" format --size 1G "$IMAGE" >/dev/null || exit 1
	cached cat "$scratch/store/big" >/dev/null
	at_least "$(pmd_mapped_by_cache)" 4096 "what was filled in chunks is mapped in pieces of 2 MiB"
else
	echo "# large folios: not looked at: this file system or kernel has none"
fi
done_testing
