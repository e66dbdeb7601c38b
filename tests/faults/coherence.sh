#!/bin/bash
# SPDX-License-Identifier: MIT
# Random histories of files under writers and readers, each read checked: see tests/faults/coherence.c.
# usage: coherence.sh [SECONDS [SEED]]; twice, on a local file system and on FUSE
. "$(dirname "$0")/../lib.sh"
need_origin
seconds=${1:-6}
seed=${2:-1}
mkdir -p "$scratch/d" "$scratch/store"
origin_mount "$scratch/store" "$scratch/m" || skip_all "the origin cannot be mounted"

# history DIRECTORY NAME: a run in a new image. The settle time is longer than a write of it lasts on a busy machine.
history() {
	IMAGE=$scratch/$2.img
	CACHED_PATH=$1
	"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
	RAWCACHE_SETTLE=0.1 cached timeout 300 "$TOP_BUILDDIR/tests/faults/coherence" "$1" "$scratch/$2.state" \
		"$seconds" "$seed" >"$scratch/out" 2>&1
	status=$?
	sed -n 's/^# /# /p; s/^Bail/# Bail/p' "$scratch/out"
	while read -r line; do
		case $line in
		"ok "*) ok 0 "$2: ${line#*- }" ;;
		"not ok "*) ok 1 "$2: ${line#*- } (seed $seed)" ;;
		esac
	done <"$scratch/out"
	ok $status "$2: the checker ended well"
	at_least "$(counter hits)" "${seconds%.*}" "$2: the cache was used, also on a busy machine"
	check "$2: the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
}

# starts: programs that begin, again and again, each time with an image of which nobody knows
starts() {
	CACHED_PATH=$scratch/d
	for i in $(seq 15); do
		IMAGE=$scratch/start$i.img
		"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || return 1
		RAWCACHE_SETTLE=0.1 cached timeout 60 "$TOP_BUILDDIR/tests/faults/coherence" "$scratch/d" \
			"$scratch/starts.state" 0.15 "$((seed * 100 + i))" >"$scratch/out" 2>&1
		sed -n 's/^# file/# file/p; s/^# process/# process/p' "$scratch/out"
		! grep -qE '^not ok [12] |^Bail' "$scratch/out" || return 1
	done
}

history "$scratch/d" local
COHERENCE_STORE=$scratch/store history "$scratch/m" fuse
starts
ok $? "15 starts (seed $seed)"
done_testing
