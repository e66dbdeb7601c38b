#!/bin/bash
# SPDX-License-Identifier: MIT
# Socket writes of cached bytes go out of the image, and nobody notices.
# shellcheck source=tests/shim/twins.inc
. "$(dirname "$0")/twins.inc"
file a 3000001
image

check "the program passes without the cache" timeout 100 "$TOP_BUILDDIR/tests/shim/shim_elide" \
	"$scratch/local/a" "$scratch/local/a"
RAWCACHE_SENDFILE=0 compared "RAWCACHE_SENDFILE=0" shim_elide
is "$(counter elided_bytes)" 0 "nothing is sent out of the image then"
RAWCACHE_MMAP_THRESHOLD=16K compared "from 16 KiB on" shim_elide
! sends || at_least "$(counter elided_bytes)" 250000000 "most of it went out of the image"
RAWCACHE_MMAP_THRESHOLD=auto compared "by measured costs" shim_elide
mark counter elided_bytes
RAWCACHE_MMAP_THRESHOLD=16K compared "calls that are left in the middle" shim_elide leave
! sends || at_least "$(since)" 60000000 "leave nothing behind that keeps the next from being elided"

# what is no socket is not asked what it is at each write
if sends && strace -qq -o /dev/null true 2>/dev/null; then
	for _ in fill warm; do
		cached strace -qq -e trace=getsockopt,write -o "$scratch/trace" \
			dd if="$CACHED_PATH/a" of=/dev/null bs=32k status=none
	done
	at_least "$(grep -c '^write(1, .*32768' "$scratch/trace")" 91 "(dd wrote what it had read from the cache)"
	at_most "$(grep -c '^getsockopt(1,' "$scratch/trace")" 10 "what is no socket is asked now and then only"
	at_least "$(grep -c '^getsockopt(1,' "$scratch/trace")" 1 "(but it is)"
fi
done_testing
