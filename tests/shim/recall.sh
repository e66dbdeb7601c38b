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
	status=$?
	if [ $status -eq 77 ]; then skip "$2" "the kernel does not have it"; else ok $status "$2"; fi
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
recall sealed "a mapping that is sealed shows what is written" warm
recall guarded "guard pages in a mapping stay there" warm
recall outside "a writer that tells nobody is seen soon" warm

# Stores of which nothing tells: on tmpfs and FUSE a file's times do not move by them.
stores() { # DIRECTORY WHAT
	local how

	for how in same other closed inherited part opened doubled left tail; do
		head -c 100000 /dev/zero | tr '\0' . >"$1/stored"
		sleep 0.2
		CACHED_PATH=$1 cached cat "$1/stored" >/dev/null
		CACHED_PATH=$1 tap "stores, $how, $2" cached timeout 60 "$TOP_BUILDDIR/tests/shim/shim_stores" \
			$how "$1/stored"
		rm "$1/stored"
	done
}
stores "$scratch/store" "a local file system"
memory=$(mktemp -d /dev/shm/rawcache-test.XXXXXX) && stores "$memory" tmpfs
rmdir "$memory"
mkdir "$scratch/back"
if [ -x "$ORIGIN" ] && [ -w /dev/fuse ] && origin_mount "$scratch/back" "$scratch/fuse"; then
	stores "$scratch/fuse" FUSE
else
	skip "stores on FUSE" "nothing can be mounted here"
fi
done_testing
