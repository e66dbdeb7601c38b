#!/bin/bash
# SPDX-License-Identifier: MIT
# Mappings of files that change show what they would show without the cache.
. "$(dirname "$0")/../lib.sh"
mkdir -p "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/store
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_SETTLE=0 RAWCACHE_REVALIDATE=100
program=$TOP_BUILDDIR/tests/shim/shim_recall
# recall HOW NAME [warm]
recall() {
	rm -f "$scratch/store/file"
	python3 "$TOP_SRCDIR/tests/shim/recall_file.py" "$scratch/store/file"
	sleep 0.2
	[ "${3:-}" != warm ] || cached cat "$scratch/store/file" >/dev/null
	cached timeout 120 "$program" "$1" "$scratch/store/file" >"$scratch/out" 2>&1
	ok $? "$2"
	sed 's/^/# /' "$scratch/out"
}
recall writer "a writer of another process is seen when it has written"
recall writer "the same, where all of it was cached" warm
recall private "a private mapping that nobody may write to shows it, too"
recall own "a writer of this process is seen"
recall stores "stores through a writer's mapping are seen"
recall inherited "a fork child sees a writer"
recall later "no mapping is made of the image while a writer is known"
recall many "readers see what was written, in its order" warm
recall outside "a writer that tells nobody is seen soon" warm
done_testing
