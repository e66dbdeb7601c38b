#!/bin/bash
# SPDX-License-Identifier: MIT
# Other allocators, preloaded before and after the shim and linked, and the address sanitizer: they
# call open(), read() and mmap() while they begin, and the shim must not call them back then.
. "$(dirname "$0")/../lib.sh"
CC=${CC:-cc}
mkdir -p "$scratch/d"
head -c 3000000 /dev/urandom >"$scratch/d/file"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
age "$scratch/d"
source=$TOP_SRCDIR/tests/shim/allocators_reader.c
check "the reader is compiled" $CC -O1 -pthread "$source" -o "$scratch/reader"
want=$("$scratch/reader" "$scratch/d/file")
below=("$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" --)

# reads NAME COMMAND...: the same sum, and out of the cache
reads() {
	name=$1
	shift
	before=$(counter hits)
	is "$(timeout 60 "$@" "$scratch/d/file" 2>&1)" "$want" "$name: reads the file"
	at_least "$(counter hits)" $((before + 100)) "$name: out of the cache"
}

reads "libc's own" "${below[@]}" "$scratch/reader"
for library in libjemalloc.so.2 libtcmalloc.so.4 libtcmalloc_minimal.so.4; do
	path=$(ldconfig -p | sed -n "s/.*$library .*=> //p" | head -n 1)
	[ -n "$path" ] || { echo "# $library: not run: not installed"; continue; }
	reads "$library after the shim" env RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$IMAGE" \
		LD_PRELOAD="$RAWCACHE_PRELOAD $path" "$scratch/reader"
	reads "$library before the shim" env RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$IMAGE" \
		LD_PRELOAD="$path $RAWCACHE_PRELOAD" "$scratch/reader"
	check "$library is linked" $CC -O1 -pthread "$source" -o "$scratch/linked" \
		-Wl,--no-as-needed "$path"
	reads "$library linked" "${below[@]}" "$scratch/linked"
done
# as tcmalloc's mmap(): made of syscall(2), which is a hook, too, and must not call it again
check "an object that replaces close() is compiled" $CC -O1 -shared -fPIC -o "$scratch/closes.so" -xc - <<'EOF'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
int close(int fd) { return syscall(SYS_close, fd); }
int dup2(int from, int to) { return syscall(SYS_dup3, from, to, 0); }
void *mmap(void *a, size_t n, int prot, int flags, int fd, off_t at)
{
	return (void *)syscall(SYS_mmap, a, n, prot, flags, fd, at);
}
int munmap(void *a, size_t n) { return syscall(SYS_munmap, a, n); }
EOF
for preload in "$RAWCACHE_PRELOAD $scratch/closes.so" "$scratch/closes.so $RAWCACHE_PRELOAD"; do
	reads "calls made of syscall(2), $preload" env RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$IMAGE" \
		LD_PRELOAD="$preload" "$scratch/reader"
done
if $CC -O1 -g -pthread -fsanitize=address "$source" -o "$scratch/sanitized" 2>/dev/null; then
	reads "the address sanitizer" "${below[@]}" "$scratch/sanitized"
	runtime=$($CC -print-file-name=libasan.so)
	[ ! -e "$runtime" ] || reads "the address sanitizer, preloaded" env RAWCACHE_PATHS="$scratch/d" \
		RAWCACHE_DEVICE="$IMAGE" LD_PRELOAD="$(readlink -f "$runtime") $RAWCACHE_PRELOAD" \
		"$scratch/sanitized"
else
	echo "# the address sanitizer: not run: not installed"
fi
if $CC -O1 -g -pthread -fsanitize=undefined,address -static-libasan "$source" \
	-o "$scratch/sanitized" 2>/dev/null; then
	reads "the address sanitizer, linked statically" "${below[@]}" "$scratch/sanitized"
fi
if $CC -O1 -g -pthread -fsanitize=thread "$source" -o "$scratch/sanitized" 2>/dev/null &&
	[ "$("$scratch/sanitized" "$scratch/d/file" 2>&1)" = "$want" ]; then
	for _ in 1 2 3; do
		reads "the thread sanitizer finds nothing" "${below[@]}" "$scratch/sanitized"
	done
else
	echo "# the thread sanitizer: not run: not installed, or it does not run here"
fi
is "$(counter verify_failed)" 0 "no checksum failed"
done_testing
