#!/bin/bash
# SPDX-License-Identifier: MIT
# A remembered name's directory is another one now: mounts, roots, working directories; filters of system calls that
# kill; images that others may write.
. "$(dirname "$0")/../lib.sh"
need_origin
[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip_all "no mount namespaces here"
mkdir -p "$back/dir" "$scratch/other/dir"
touch "$scratch/other/dir/made"
origin_mount "$back" "$CACHED_PATH" || skip_all "the origin cannot be mounted"
image 64M
export RAWCACHE_NAMES=1

# way WAY NAME: the name's absence was known, and what follows is right
way() {
	mark counter names_hits
	is "$(cached unshare -m --propagation private python3 "$TOP_SRCDIR/tests/shim/names_ways.py" "$1" \
		"$CACHED_PATH" "$scratch/other" 2>&1)" right "$2"
	at_least "$(since)" 2 "by a program that was answered from memory"
}

way mount "another directory is mounted over it, and taken away"
way above "and over the mount"
way chroot "another root directory"
way relative "a relative name in another directory"
way thread "another mount namespace"
way filter "openat2() is forbidden, by death"
way descriptors "no descriptor is lost"

# whoever may write the image could make names disappear
chmod 0666 "$IMAGE"
export RAWCACHE_SHARED=1
mark counter names_absent
is "$(cached unshare -m python3 "$TOP_SRCDIR/tests/shim/names_ways.py" none "$CACHED_PATH" "$scratch/other")" right \
	"an image that others may write"
is "$(since)" 0 "has no names"
done_testing
