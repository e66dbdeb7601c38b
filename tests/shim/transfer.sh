#!/bin/bash
# SPDX-License-Identifier: MIT
# Transfers inside the kernel from cached files are what they are natively; the counters tell.
. "$(dirname "$0")/../lib.sh"
mkdir -p "$scratch/store" "$scratch/local"
head -c 3000001 /dev/urandom >"$scratch/store/a"
cp "$scratch/store/a" "$scratch/local/a"
age "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/store
program=$TOP_BUILDDIR/tests/shim/shim_transfer
other=$(mktemp /dev/shm/rawcache-transfer.XXXXXX)
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
sends=$("$RAWCACHE" info --json --cache "$IMAGE" | grep -c '"sendfile": *true')
for round in "1" "0"; do
	cached env RAWCACHE_SENDFILE=$round "$program" "$scratch/store/a" "$scratch/local/a" "$other" "$scratch/near" \
		>"$scratch/out"
	ok $? "every call ends as natively with RAWCACHE_SENDFILE=$round"
	grep -E '^(not ok|#)' "$scratch/out" | sed 's/^/# /'
	[ "$round" = 1 ] && sent=$(counter sendfile_bytes)
done
rm -f "$other"

# cat copies within a file system
cached cat "$scratch/store/a" >/dev/null
before=$(counter hit_bytes)
cached cat "$scratch/store/a" >"$scratch/near"
check "cat FILE >FILE copies the bytes" cmp "$scratch/near" "$scratch/local/a"
at_least $(($(counter hit_bytes) - before)) 3000001 "out of the cache"
if [ "$sends" -gt 0 ]; then
	at_least "$sent" 10000000 "bytes went from the image to sockets inside the kernel"
	is "$(counter sendfile_bytes)" "$sent" "none with RAWCACHE_SENDFILE=0"
fi
done_testing
