#!/bin/bash
# SPDX-License-Identifier: MIT
# Socket writes of cached bytes go out of the image, and nobody notices.
. "$(dirname "$0")/../lib.sh"
mkdir -p "$scratch/store" "$scratch/local"
head -c 3000001 /dev/urandom >"$scratch/store/a"
cp "$scratch/store/a" "$scratch/local/a"
age "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/store
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
sends=$("$RAWCACHE" info --json --cache "$IMAGE" | grep -c '"sendfile": *true')

# elide NAME SETTING...
elide() {
	name=$1
	shift
	cached env "$@" timeout 100 "$TOP_BUILDDIR/tests/shim/shim_elide" "$scratch/store/a" "$scratch/local/a" $mode \
		>"$scratch/out" 2>&1
	ok $? "$name"
	grep -E '^(not ok|#)' "$scratch/out" | sed 's/^/# /'
}
mode=
timeout 100 "$TOP_BUILDDIR/tests/shim/shim_elide" "$scratch/local/a" "$scratch/local/a" >"$scratch/out" 2>&1
ok $? "the program passes without the cache"
grep -E '^(not ok|#)' "$scratch/out" | sed 's/^/# /'
elide "RAWCACHE_SENDFILE=0" RAWCACHE_SENDFILE=0
is "$(counter elided_bytes)" 0 "nothing is sent out of the image then"
elide "from 16 KiB on" RAWCACHE_MMAP_THRESHOLD=16K
[ "$sends" -eq 0 ] || at_least "$(counter elided_bytes)" 250000000 "most of it went out of the image"
elide "by measured costs" RAWCACHE_MMAP_THRESHOLD=auto
before=$(counter elided_bytes)
mode=leave
elide "calls that are left in the middle" RAWCACHE_MMAP_THRESHOLD=16K
[ "$sends" -eq 0 ] || at_least "$(($(counter elided_bytes) - before))" 60000000 \
	"leave nothing behind that keeps the next from being elided"
# what is no socket is not asked what it is at each write
if [ "$sends" -ne 0 ] && strace -qq -o /dev/null true 2>/dev/null; then
	for _ in fill warm; do
		cached strace -qq -e trace=getsockopt,write -o "$scratch/trace" \
			dd if="$scratch/store/a" of=/dev/null bs=32k status=none
	done
	at_least "$(grep -c '^write(1, .*32768' "$scratch/trace")" 91 "(dd wrote what it had read from the cache)"
	at_most "$(grep -c '^getsockopt(1,' "$scratch/trace")" 10 "what is no socket is asked now and then only"
	at_least "$(grep -c '^getsockopt(1,' "$scratch/trace")" 1 "(but it is)"
fi
done_testing
