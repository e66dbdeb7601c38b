#!/bin/bash
# SPDX-License-Identifier: MIT
# Names that do not exist, remembered with their directories: see tests/shim/shim_names.c.
. "$(dirname "$0")/../lib.sh"
need_origin
mkdir -p "$scratch/back"
origin_mount "$scratch/back" "$scratch/mnt" || skip_all "the origin cannot be mounted"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mnt
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_NAMES=1
names=$TOP_BUILDDIR/tests/shim/shim_names

# counter NAME
counter() {
	"$RAWCACHE" stat --json --cache "$IMAGE" | sed -n 's/.*"'"$1"'": *\([0-9]*\).*/\1/p' | head -1
}

mkdir "$scratch/back/diff"
check "all calls answer as the kernel does" cached timeout 300 "$names" "$scratch/mnt/diff" "${SEED:-1}" 3
at_least "$(counter names_absent)" 20 "and names were learnt"
at_least "$(counter names_hits)" 100 "and answered"

# a server whose clock is behind: what was changed just now looks old, and the next change within the
# second looks the same
origin_mount "$scratch/back" "$scratch/behind" --clock=-10 --seconds
mkdir "$scratch/back/clock"
CACHED_PATH=$scratch/behind
check "also on a server with whole seconds, no ctime, and its clock behind" \
	cached timeout 300 "$names" "$scratch/behind/clock" "${SEED:-21}" 3
CACHED_PATH=$scratch/mnt

# three readers who check each answer, three who make, move and remove names: the second and third without the shim,
# the third in a mount namespace of its own
mkdir "$scratch/back/storm"
check "names that come and go are seen at once" cached timeout 300 "$TOP_BUILDDIR/tests/shim/shim_names_storm" \
	"$scratch/mnt/storm" "$scratch/state" "${TEST_STORM_SECONDS:-15}"
done_testing
