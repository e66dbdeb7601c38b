#!/bin/bash
# SPDX-License-Identifier: MIT
# RAWCACHE_NAMES=auto, the default: names are remembered on a server that passes on the times of a directory, if that
# has real ones, and nowhere else.
. "$(dirname "$0")/../lib.sh"
need bindfs
case $(stat -f -c %T "$scratch") in ext2/ext3 | xfs | btrfs | tmpfs | f2fs) ;;
*) skip_all "temporary files lie on a file system that may have no real times of directories" ;; esac
mkdir -p "$back/dir" "$scratch/other/dir" "$scratch/tmp"
image 64M

# look MOUNT: a program looks for names below it, before it has settled and after that
look() {
	CACHED_PATH=$1 cached python3 "$TOP_SRCDIR/tests/shim/names_auto.py" "$1"
}

# show SOURCE MOUNT
show() {
	mkdir -p "$2"
	bindfs "$1" "$2" || skip_all "bindfs cannot be mounted"
	mounts="$mounts $2"
}

show "$back" "$scratch/mnt"
mark counter names_hits
look "$scratch/mnt"
at_least "$(since)" 50 "names are remembered on bindfs"
mark counter names_hits
RAWCACHE_NAMES=0 look "$scratch/mnt"
is "$(since)" 0 "not with RAWCACHE_NAMES=0"
check "explain tells that they are" sh -c "'$RAWCACHE' explain --names --path '$scratch/mnt' \
	--cache '$IMAGE' '$scratch/mnt/dir' | grep -q 'remembered while its times stay'"

# the name that the mount tells is another directory's by now
mkdir -p "$scratch/moved/dir"
show "$scratch/moved" "$scratch/lies"
mv "$scratch/moved" "$scratch/away"
mkdir "$scratch/moved"
mark counter names_hits
look "$scratch/lies"
is "$(since)" 0 "nor if what the mount shows has other times"

# a server below a server may have its times from anywhere
if [ -x "$ORIGIN" ]; then
	origin_mount "$back" "$scratch/origin"
	show "$scratch/origin" "$scratch/twice"
	mark counter names_hits
	look "$scratch/twice"
	is "$(since)" 0 "nor if that is on FUSE itself"
	mkdir "$scratch/other/origin"
	origin_mount "$back" "$scratch/other/origin"
	show "$scratch/other" "$scratch/covered"
	mark counter names_hits
	look "$scratch/covered"
	is "$(since)" 0 "nor if another file system is mounted in it"
fi

mark counter names_checks
mkdir -p "$scratch/plain/dir"
look "$scratch/plain"
is "$(since)" 0 "a local directory is not looked at: its kernel remembers names"
done_testing
