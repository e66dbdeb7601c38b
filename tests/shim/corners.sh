#!/bin/bash
# SPDX-License-Identifier: MIT
# Corners: ways to notice the shim that each need a process, and a cache, of their own. See
# tests/shim/shim_corners.c.
. "$(dirname "$0")/../lib.sh"
mkdir -p "$scratch/d"
CACHED_PATH=$scratch/d
export IMAGE
head -c 3000000 /dev/urandom >"$scratch/d/a"
head -c 2000000 /dev/urandom >"$scratch/d/b"
sleep 2.2

# corner NAME TEXT [VARIABLE=VALUE]...
corner() {
	corner_name=$1
	corner_text=$2
	shift 2
	IMAGE=$scratch/$corner_name$tap_count.img # what a corner leaves running may have its own still
	"$RAWCACHE" format --force --size "${SIZE:-32M}" "$IMAGE" >/dev/null || exit 1
	# known now: some corners spoil the image
	segment=/dev/shm/$("$RAWCACHE" info --json --cache "$IMAGE" | sed -n 's/.*"runtime": *"\([^"]*\)".*/\1/p')
	env "$@" timeout -k 5 60 "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- \
		"$TOP_BUILDDIR/tests/shim/shim_corners" "$corner_name" "$scratch/d/a" "$scratch/d/b" \
		>"$scratch/corner.log" 2>&1
	corner_status=$?
	rm -f "$segment"
	[ $corner_status -eq 0 ] || sed 's/^/# /' "$scratch/corner.log"
	if [ $corner_status -eq 77 ]; then
		echo "# $corner_text: cannot be tried here"
		return
	fi
	[ $corner_status -eq 0 ] || echo "# status $corner_status"
	ok $corner_status "$corner_text"
}

corner pipe_splice "splice() into a pipe ends when it is full"
corner pipe_sendfile "sendfile() into a pipe ends when it is full"
corner pipe_sendfile "also where it is a copy" RAWCACHE_SENDFILE=0
corner cut_short "transfers when the image was cut short"
corner cut_short "also where they are copies" RAWCACHE_SENDFILE=0
for n in 1 2 3; do
	corner cut_under_helpers "the image is cut off under helper threads ($n)"
done
corner cut_blocked "and under a thread that blocks all signals" RAWCACHE_IO=sync
corner cut_sendfile "and of sendfile()" RAWCACHE_IO=sync
corner cut_advise "and of posix_fadvise()" RAWCACHE_IO=sync
corner revalidate "the first read after RAWCACHE_REVALIDATE ms is of the changed file" \
	RAWCACHE_REVALIDATE=100
corner range_unshare "close_range() that gives a thread descriptors of its own"
corner vfork_replaces "a vfork child's own file under a number of its parent's"
corner vfork_keeps "a vfork child keeps a descriptor through exec by ioctl()"
corner spawn_early "posix_spawn() with actions older than the descriptor"
corner bad_messages "bad pointers in messages"
corner lock_ends "flock() ends with close(), though the file was read ahead"
corner namespace_user "a user namespace after reading ahead"
corner namespace_join "setns() after reading ahead"
corner small_stack "the first open in a thread with the smallest stack"
corner restart "signals that are sent interrupt what they would"
corner vfork_signals "a vfork child's signals are its own"
corner confined "a program that may only read() and write() goes on reading"
SIZE=256M
corner lock_before "mlockall() before the cache is attached does not lock the image"
corner lock_after "nor does it afterwards"
chmod 755 "$scratch"
corner lock_limited "mlockall() of a program that may lock less than the image"
corner space "a limited address space is the program's"
done_testing
