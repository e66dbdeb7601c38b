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

# a directory's times were on their way to the kernel when a name was made, and so are the old ones
for how in create mkdir link rename; do
	mkdir "$scratch/back/late-$how"
done
touch "$scratch/back/from"
origin_mount "$scratch/back" "$scratch/late" --attr-timeout=60 --entry-timeout=60
CACHED_PATH=$scratch/late
for how in create mkdir link rename; do
	exists=True
	[ $how != link ] || exists=False # access() follows it
	is "$(cached python3 "$TOP_SRCDIR/tests/shim/names_late.py" "$scratch/late/late-$how" \
		"$scratch/late/.origin/control" "$scratch/late/.origin/stats" $how)" \
		"old times $exists True True" "a name made meanwhile is seen: $how"
done
CACHED_PATH=$scratch/mnt

# execvp() searches places where a program is known to be absent; the file has no format, so that libc starts a shell
mkdir "$scratch/back/p0" "$scratch/back/p1" "$scratch/back/p2"
echo 'echo "${0##*/} $*"' >"$scratch/back/p2/tool"
chmod +x "$scratch/back/p2/tool"
searched() {
	cached env "PATH=$scratch/mnt/p0:$scratch/mnt/p1:$scratch/mnt/p0:$scratch/mnt/p2:$PATH" "$@" 2>&1
}
sleep 2.3
searched tool a b >/dev/null # the directories were seen now
sleep 2.3
is "$(searched tool a b)" "tool a b" "a program is found along PATH"
before=$(counter names_hits)
is "$(searched tool a b)" "tool a b" "again"
at_least $(($(counter names_hits) - before)) 2 "without asking for it where it is not"
is "$(searched missing)" "$(env missing 2>&1)" "and one that is nowhere is not found"
echo 'echo new' >"$scratch/back/made"
chmod +x "$scratch/back/made"
mv "$scratch/back/made" "$scratch/mnt/p1/tool"
is "$(searched tool a b)" new "nor is one missed that was made"

# three readers who check each answer, three who make, move and remove names: the second and third without the shim,
# the third in a mount namespace of its own
mkdir "$scratch/back/storm"
check "names that come and go are seen at once" cached timeout 300 "$TOP_BUILDDIR/tests/shim/shim_names_storm" \
	"$scratch/mnt/storm" "$scratch/state" "${TEST_STORM_SECONDS:-15}"
done_testing
