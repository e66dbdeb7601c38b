#!/bin/bash
# SPDX-License-Identifier: MIT
# Files that others change while a program has them open: see tests/shim/shim_looks.c.
. "$(dirname "$0")/../lib.sh"
need_origin
mkdir -p "$scratch/local" "$scratch/back"
origin_mount "$scratch/back" "$scratch/tells" || skip_all "the origin cannot be mounted"
origin_mount "$scratch/back" "$scratch/keeps" --attr-timeout=3600
IMAGE=$scratch/cache.img
"$RAWCACHE" format --size 256M "$IMAGE" >/dev/null || exit 1
looks=$TOP_BUILDDIR/tests/shim/shim_looks
export RAWCACHE_SETTLE=0.02
cases=0

# case_of NAME DIRECTORY TEXT [SETTING]...: on a new file, and without the cache where it must be so, too
case_of() {
	store=$scratch/back
	[ "$2" != local ] || store=$scratch/local
	CACHED_PATH=$scratch/$2
	cases=$((cases + 1))
	# a name that comes again would be the old file for a mount that keeps its attributes
	case_name=$1 case_text=$3 case_file=$1-$2-$cases
	shift 3
	head -c 4M /dev/zero | tr '\0' A >"$store/$case_file"
	sleep 0.1
	check "$case_text" env "$@" "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- \
		timeout 60 "$looks" "$case_name" "$CACHED_PATH/$case_file" "$store/$case_file"
	rm -f "$store/$case_file"
}

never=RAWCACHE_REVALIDATE=open
case_of next_read local "local: the next read is of the file as it is, in nine ways"
case_of told local "what the program is told of a file counts for all its descriptors" $never
case_of told_end local "and its end, wherever that is noticed" $never
case_of told_writer local "and what it reads past the cache" $never

# told_past WAY: what the kernel gives past the cache tells of a change
told_past() {
	CACHED_PATH=$scratch/local
	head -c 1M /dev/zero | tr '\0' A >"$scratch/local/past-$1"
	sleep 0.1
	RAWCACHE_REVALIDATE=open cached timeout 60 "$TOP_BUILDDIR/tests/shim/shim_told" "$1" "$scratch/local/past-$1" \
		"$scratch/local/past-$1" >"$scratch/check.log" 2>&1
	status=$?
	sed 's/^/# /' "$scratch/check.log"
	[ $status -eq 77 ] && echo "# $1: not possible here" && status=0
	ok $status "what is read past the cache tells all descriptors: $1"
}
for way in flag buffers direct append writer setfl sendfile stream getc aio submit ring; do
	told_past $way
done

# attributes age while a thread that has them is stopped
CACHED_PATH=$scratch/local
head -c 1M /dev/zero | tr '\0' A >"$scratch/local/delayed"
sleep 0.1
cached timeout 60 "$TOP_BUILDDIR/tests/shim/shim_delayed" "$scratch/local/delayed" "$scratch/local/delayed" \
	2>"$scratch/check.log"
status=$?
sed 's/^/# /' "$scratch/check.log"
[ $status -eq 77 ] && echo "# nothing can be traced here" && status=0
ok $status "attributes are as old as they are, whenever a thread gets on with them"

case_of locks keeps "a lock makes all descriptors look, past what the kernel remembers"
case_of locks keeps "also where they do not look otherwise" $never
case_of lock_writer local "a lock by a descriptor for writing" $never
case_of lock_beside keeps "a lock of another file of the directory" $never
for case in mixed mixed_plain mixed_parts mixed_cut; do
	case_of $case local "no read has bytes of two versions: $case" $never
	case_of $case local "nor when it looks: $case"
done
for case in inotify number directory lease mapped; do
	case_of news_$case local "no read is older than what the program was told past its reads: $case"
done
for case in wait pipe count vector recv message line long_line record scan byte byte_alone command vfork \
	signal; do
	case_of heard_$case local "nor than what another process has told it: $case"
done
for case in flock record_lock lockf new_file mkdir access absent open \
	eventfd wide wide_character accept connect; do
	case_of heard_$case local "nor than what a lock, a name or a connection tells: $case"
done
# written through the mount, whose kernel drops the attributes then
head -c 4M /dev/zero | tr '\0' A >"$scratch/back/heard"
sleep 0.1
CACHED_PATH=$scratch/tells
check "FUSE: what a child has done is seen when it has ended" cached timeout 60 "$looks" heard_wait \
	"$scratch/tells/heard" "$scratch/tells/heard"
case_of later keeps "the server is asked each second where that is wanted" RAWCACHE_REVALIDATE=sync
case_of later tells "FUSE: after attr_timeout the file is what it is, for all descriptors"
at_least "$(counter hits)" 50 "the cache was used"
done_testing
