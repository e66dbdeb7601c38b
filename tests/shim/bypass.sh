#!/bin/bash
# SPDX-License-Identifier: MIT
# Whatever is wrong with the cache, the program under the shim works and reads the origin, in silence.
# shellcheck source=tests/shim/bypass.inc
. "$(dirname "$0")/bypass.inc"

mark counter fills
shim "nothing is wrong"
at_least "$(since)" 4 "and the file is stored (the rest can fail)"

# --- images
head -c 20000000 /dev/urandom >"$scratch/garbage.img"
shim "garbage image" RAWCACHE_DEVICE="$scratch/garbage.img"
head -c 100 "$IMAGE" >"$scratch/short.img"
shim "short image" RAWCACHE_DEVICE="$scratch/short.img"
cp "$IMAGE" "$scratch/cut.img"
truncate -s 5M "$scratch/cut.img"
shim "truncated image" RAWCACHE_DEVICE="$scratch/cut.img"
cp "$IMAGE" "$scratch/newer.img"
for superblock in 0 4096; do
	printf '\x63' | dd of="$scratch/newer.img" bs=1 seek=$((superblock + 8)) conv=notrunc status=none
done
shim "image of a newer version" RAWCACHE_DEVICE="$scratch/newer.img"
cp "$IMAGE" "$scratch/writable.img"
chmod 0666 "$scratch/writable.img"
shim "image that others may write" RAWCACHE_DEVICE="$scratch/writable.img"
shim "no image" RAWCACHE_DEVICE="$scratch/none.img"
shim "a directory as image" RAWCACHE_DEVICE="$scratch"
shim "a character device as image" RAWCACHE_DEVICE=/dev/null

# --- settings
shim "no runtime directory" RAWCACHE_RUNTIME_DIR="$scratch/nowhere"
shim "a file as runtime directory" RAWCACHE_RUNTIME_DIR="$CACHED_PATH/file"
shim "bad values" RAWCACHE_TTL=x RAWCACHE_SETTLE=-1 RAWCACHE_MMAP_THRESHOLD=9Q RAWCACHE_IO=fast
shim "unknown variable" RAWCACHE_PATH=/x
shim "no path" RAWCACHE_PATHS=
mark counter hits
shim "switched off" RAWCACHE_DISABLE=1
shim "skipped" RAWCACHE_SKIP=bash:python3:sh
shim "skipped by the path it was started with" RAWCACHE_SKIP=python3
is "$(since)" 0 "what is switched off or skipped does not use the cache"
shim "another is skipped" RAWCACHE_SKIP=python:python33:ython3
at_least "$(since)" 1 "which the others do"

# --- under a program that runs
"$RAWCACHE" format --size 16M "$scratch/doomed.img" >/dev/null
below RAWCACHE_DEVICE="$scratch/doomed.img" python3 "$TOP_SRCDIR/tests/shim/bypass_doomed.py" "$CACHED_PATH/file" \
	"$scratch/doomed.img" >"$scratch/sums" 2>&1
is "$(cat "$scratch/sums")" "$sum" "the image is truncated and removed under a running program"
done_testing
