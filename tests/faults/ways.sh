#!/bin/bash
# SPDX-License-Identifier: MIT
# Files that are changed past the cache, read in all ways by programs that make calls past it as well, all
# bytes checked: see tests/faults/torture_ways.c. usage: ways.sh [SECONDS [SEED]] (an hour: ways.sh 1800); twice, on a
# local file system and on FUSE, where the kernel keeps attributes for a second
. "$(dirname "$0")/../lib.sh"
need_origin
seconds=${1:-30}
seed=${2:-1}
ways=$TOP_BUILDDIR/tests/faults/torture_ways
mkdir -p "$scratch/local" "$scratch/back"
origin_mount "$scratch/back" "$scratch/fuse" || skip_all "the origin cannot be mounted"
check "a plug-in" ${CC:-cc} -shared -fPIC -o "$scratch/plugin.so" "$TOP_SRCDIR/tests/shim/plugin.c"

# torture DIRECTORY BACKING RULES: in a new image
torture() {
	IMAGE=$scratch/$3.img
	CACHED_PATH=$1
	"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
	# longer than a write takes: while it is under way, the times are new, and bytes are not
	RAWCACHE_SETTLE=0.5 cached timeout $((${seconds%.*} * 2 + 120)) "$ways" \
		"$1" "$2" "$seconds" "$seed" "$3" "$scratch/plugin.so" >"$scratch/out" 2>&1
	status=$?
	sed -n 's/^# /# /p; s/^Bail/# Bail/p' "$scratch/out"
	while read -r line; do
		case $line in
		"ok "*) ok 0 "$3: ${line#*- }" ;;
		"not ok "*) ok 1 "$3: ${line#*- } (seed $seed)" ;;
		esac
	done <"$scratch/out"
	ok $status "$3: the checker ended well"
	at_least "$(counter hits)" 100 "$3: the cache was used"
	check "$3: the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
}

torture "$scratch/local" "$scratch/local" strict
torture "$scratch/fuse" "$scratch/back" late
done_testing
