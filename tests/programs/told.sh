#!/bin/bash
# SPDX-License-Identifier: MIT
# What programs did not get from the cache is told: sandboxes that hide or lock the image or its segment, rings and
# asynchronous I/O, libraries that the loader maps, system calls of a program's own. `stat` counts it, and `run --stats`
# ends with the largest reasons in words.
. "$(dirname "$0")/../lib.sh"
need python3 bwrap fio gcc
mkdir "$scratch/box" "$scratch/data"
IMAGE=$scratch/box/cache.img
CACHED_PATH=$scratch/data
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
head -c 4194304 /dev/urandom >"$scratch/data/f"
head -c 4194304 /dev/urandom >"$scratch/data/fio"
echo 'int answer(void) { return 42; }' >"$scratch/library.c"
gcc -shared -fPIC -o "$scratch/data/library.so" "$scratch/library.c"
gcc -O1 -o "$scratch/own" "$TOP_SRCDIR/tests/programs/told_own.c" || exit 1
export RAWCACHE_SETTLE=0 RAWCACHE_LOG=$scratch/log
sleep 0.1

# told REASON WORDS NAME COMMAND...: it is counted, and told in words
told() {
	before=$(counter "passthrough.$1")
	"$RAWCACHE" run --stats --path "$CACHED_PATH" --cache "$IMAGE" -- "${@:4}" >"$scratch/out" 2>"$scratch/err"
	ok $? "$3: the program works"
	at_least $(($(counter "passthrough.$1") - before)) 1 "$3: counted as $1"
	check "$3: told in words" grep -q "past the cache: .*$2" "$scratch/err"
	sed 's/^/# /' "$scratch/err"
}

cached cat "$scratch/data/f" >/dev/null 2>&1
bwrap --ro-bind / / true 2>/dev/null || skip_all "bwrap cannot make namespaces here"
hits=$(counter hits)
check "the image can only be read: the same bytes" cmp "$scratch/data/f" \
	<(cached bwrap --ro-bind / / --dev-bind /dev /dev cat "$scratch/data/f" 2>/dev/null)
at_least $(($(counter hits) - hits)) 1 "the image can only be read: hits are counted"
: >"$scratch/log"
cached bwrap --ro-bind / / --dev-bind /dev /dev --bind "$scratch/log" "$scratch/log" cat "$scratch/data/f" >/dev/null
check "the image can only be read: the log says so" grep -q "can only be read here" "$scratch/log"

told runtime_unreachable "share /dev/shm" "a sandbox with a /dev/shm of its own" \
	bwrap --bind / / --dev /dev cat "$scratch/data/f"
is "$(sha256sum <"$scratch/out")" "$(sha256sum <"$scratch/data/f")" \
	"a sandbox with a /dev/shm of its own: the same bytes"
told no_image "have the sandbox show it" "a sandbox without the image" \
	bwrap --bind / / --dev-bind /dev /dev --tmpfs "$scratch/box" cat "$scratch/data/f"
told own_calls "no setting helps" "system calls of its own" "$scratch/own" "$scratch/data/f"
told loader "to a local disk" "a library that the loader maps" \
	python3 -c 'import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).answer())' "$scratch/data/library.so"
# with io_uring fio makes its calls itself, and its rings are not seen: tests/shim/past.sh has those of liburing
fio=(fio --name=x --filename="$scratch/data/fio" --size=4M --rw=read --readonly --bs=64k --thread --ioengine=libaio)
if "${fio[@]}" >/dev/null 2>&1; then
	told ring "switch io_uring or native AIO off" "reads by io_submit()" "${fio[@]}"
else
	skip "reads by io_submit()" "fio cannot here"
fi
told open_mode "numpy.memmap" "a shared mapping that may be written" python3 -c '
import mmap, sys
with open(sys.argv[1], "r+b") as f:
    print(mmap.mmap(f.fileno(), 0)[5])' "$scratch/data/f"
told open_mode "LMDB with readonly" "what is open for writing, mapped to be read (LMDB, vips)" python3 -c '
import mmap, sys
with open(sys.argv[1], "r+b") as f:
    print(mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[5])' "$scratch/data/f"
check "what programs with a ring or another libc do about it is told" grep -q "qemu-io with -r" "$scratch/err"
at_most "$(grep -c 'past the cache' "$scratch/err")" 3 "three reasons are told at most"

chmod 600 "$IMAGE"
if [ "$(id -u)" = 0 ] && chmod 755 "$scratch" && setpriv --reuid=65534 --clear-groups test -r "$scratch/data/f"; then
	RAWCACHE_EARLY=0 told no_rights "RAWCACHE_EARLY=1" "a server that is another user when it opens files" \
		python3 "$TOP_SRCDIR/tests/programs/told_rights.py" "$scratch/data/f"
else
	skip "a server that has become another user" "needs root, and a directory that others reach"
fi
done_testing
