#!/bin/bash
# SPDX-License-Identifier: MIT
# Streams: random stdio calls in lockstep with a plain file, threads, a libc with another FILE, a file that grows.
. "$(dirname "$0")/../lib.sh"
bin=$TOP_BUILDDIR/tests/shim
CACHED_PATH=$scratch/store
s=$CACHED_PATH
plain=$scratch/mixed
mkdir "$s"
image 256M
python3 "$TOP_SRCDIR/tests/shim/stdio_mixed.py" "$s/mixed"
cp "$s/mixed" "$plain"
seq 1 100000 >"$s/numbers"
seq 1 300 >"$s/growing"
age "$s"

for seed in 1 2 3 4; do
	check "random calls in lockstep, seed $seed" cached "$bin/stdio_diff" "$s/mixed" "$plain" $seed 5000
done
check "random calls with the cache off the way" env LD_PRELOAD="$RAWCACHE_PRELOAD" \
	RAWCACHE_DISABLE=1 "$bin/stdio_diff" "$s/mixed" "$plain" 9 2000

# threads, and threads that are cancelled
mkfifo "$scratch/fifo"
cached cat "$s/numbers" >/dev/null
mark counter hits
check "threads on one stream, and cancelled" cached timeout 60 "$bin/shim_streams" "$s/numbers" "$scratch/fifo"
at_least "$(since)" 100 "out of the cache"

# a libc with another FILE: the self-test finds out, and streams are libc's
echo 'void _IO_free_backup_area(void *stream) { (void)stream; }' >"$scratch/strange.c"
check "a strange libc" ${CC:-cc} -shared -fPIC "$scratch/strange.c" -o "$scratch/strange.so"
strange() {
	env LD_PRELOAD="$RAWCACHE_PRELOAD $scratch/strange.so" RAWCACHE_PATHS="$s" RAWCACHE_DEVICE="$IMAGE" \
		RAWCACHE_LOG="$scratch/strange.log" "$@"
}
is "$(strange sha256sum "$s/numbers")" "$(sha256sum "$s/numbers")" "where the self-test fails the bytes are right"
check "and so are random calls" strange "$bin/stdio_diff" "$s/mixed" "$plain" 5 2000
at_least "$(grep -c 'left to libc' "$scratch/strange.log")" 1 "and it says so"

# a program that waits at the end of the file sees it grow
check "a C compiler" ${CC:-cc} -O2 "$TOP_SRCDIR/tests/shim/stdio_grow.c" -o "$scratch/grow"
check "clearerr() shows what was appended" cached "$scratch/grow" "$s/growing"
done_testing
