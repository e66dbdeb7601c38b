#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that are particular about their stack, their threads and their system calls, as
# tests/shim/shim_odd.c says, and one under valgrind.
. "$(dirname "$0")/../lib.sh"
mkdir "$scratch/d"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
program=$TOP_BUILDDIR/tests/shim/shim_odd
for name in one two three four five six; do
	head -c 6000001 /dev/urandom >"$scratch/d/$name"
done
age "$scratch/d"
"$RAWCACHE" format --size 128M "$IMAGE" >/dev/null || exit 1

# odd NAME WAY ARGUMENT...: passes, or cannot be tried here
odd() {
	odd_name=$1
	shift
	cached timeout 60 "$program" "$@" >"$scratch/odd.out" 2>&1
	odd_status=$?
	[ $odd_status -ne 77 ] || odd_name="$odd_name # SKIP not possible here"
	[ $odd_status -ne 77 ] || odd_status=0
	[ $odd_status -eq 0 ] || sed 's/^/# /' "$scratch/odd.out"
	ok $odd_status "$odd_name"
}

odd "the first open on a signal stack of 8 KiB" altstack "$scratch/d/one"
odd "and in a thread for which the program waits with the loader's lock" listed "$scratch/d/one"
odd "after fork() the program has its own thread only" fork "$scratch/d/two"
odd "a program that confines itself to its own calls, to the end" confined "$scratch/d/five"
odd "and that has nothing to fetch" confined "$scratch/d/five"
odd "nor is its child killed" confined-fork "$scratch/d/five"
odd "a program that must not look at the processor's clock" no-clock "$scratch/d/five"
odd "one of which only libc's system calls are allowed" dispatch "$scratch/d/five"
odd "a mapping in part of the image grows with its file" grown "$scratch/d/six"
odd "a private one, too" grown-private "$scratch/d/five"
odd "a sealed mapping does not grow" sealed "$scratch/d/two"
cached "$program" ignored "$scratch/d/two" >"$scratch/ignored"
is "$(sed -n 's/^SigIgn:.*\(.\)..$/\1/p' "$scratch/ignored")" 4 "syscall(SYS_execve) passes on that SIGSEGV is ignored"

# libc has the last thread call exit(); a helper of ours has no descriptors
for round in cold warm; do
	is "$(cached "$program" first-ends "$scratch/d/four")" "last words" \
		"what is printed when the first thread ends before the others, $round"
done

# --- a filter that was there before
sum=$(sha256sum <"$scratch/d/three")
for round in cold warm; do
	"$program" filtered true || skip_all "no filters here"
	got=$(LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$CACHED_PATH RAWCACHE_DEVICE=$IMAGE \
		"$program" filtered cat "$scratch/d/three" | sha256sum)
	is "$got" "$sum" "a filter that kills for unusual calls does not see any, $round"
done
before=$(counter hit_bytes)
LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$CACHED_PATH RAWCACHE_DEVICE=$IMAGE \
	"$program" filtered cat "$scratch/d/three" >/dev/null
at_least $(($(counter hit_bytes) - before)) 6000000 "and the program is cached all the same"

# --- valgrind knows no pidfd_open()
if command -v valgrind >/dev/null; then
	cached valgrind -q --tool=none cat "$scratch/d/four" 2>"$scratch/valgrind" >/dev/null
	is "$(grep -ac 'unhandled' "$scratch/valgrind")" 0 "valgrind knows all that is called"
fi
check "bad pointers by number, before the first open: refused" cached python3 -c '
import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
errors = [call(n, *a) and ctypes.get_errno() for n, a in ((437, (-1, b".", None, 0)), (435, (None, 0)), (435, (8, 88)))]
assert errors == [22, 22, 14], errors'
done_testing
