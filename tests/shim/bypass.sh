#!/bin/bash
# SPDX-License-Identifier: MIT
# Whatever is wrong with the cache, the program under the shim works and reads the origin, in
# silence.
. "$(dirname "$0")/../lib.sh"
need python3
mkdir -p "$scratch/d" "$scratch/run"
head -c 1000000 /dev/urandom >"$scratch/d/file"
age "$scratch/d"
sum=$(sha256sum <"$scratch/d/file")
IMAGE=$scratch/good.img
"$RAWCACHE" format --size 16M "$IMAGE" >/dev/null || exit 1

# shim NAME VARIABLE=VALUE...: a program with that environment reads right, and says nothing
shim() {
	name=$1
	shift
	rm -f "$scratch/log"
	got=$(env LD_PRELOAD="$RAWCACHE_PRELOAD" RAWCACHE_PATHS="$scratch/d" \
		RAWCACHE_DEVICE="$IMAGE" RAWCACHE_LOG="$scratch/log" RAWCACHE_LOG_LEVEL=debug "$@" \
		python3 -c '
import sys, hashlib
f = open(sys.argv[1], "rb", buffering=0)
h = hashlib.sha256()
while b := f.read(65536):
    h.update(b)
print(h.hexdigest() + "  -")' "$scratch/d/file" 2>"$scratch/err")
	is "$got" "$sum" "$name: the program reads the file"
	is "$(cat "$scratch/err")" "" "$name: in silence"
}
# total NAME: a counter of the good image
total() {
	IMAGE=$scratch/good.img counter "$1"
}

before=$(total fills)
shim "nothing is wrong"
at_least "$(total fills)" $((before + 4)) "and the file is stored (the rest can fail)"

head -c 20000000 /dev/urandom >"$scratch/garbage.img"
shim "garbage image" RAWCACHE_DEVICE="$scratch/garbage.img"
head -c 100 "$IMAGE" >"$scratch/short.img"
shim "short image" RAWCACHE_DEVICE="$scratch/short.img"
cp "$IMAGE" "$scratch/cut.img"
truncate -s 5M "$scratch/cut.img"
shim "truncated image" RAWCACHE_DEVICE="$scratch/cut.img"
cp "$IMAGE" "$scratch/newer.img"
printf '\x63' | dd of="$scratch/newer.img" bs=1 seek=8 conv=notrunc status=none
printf '\x63' | dd of="$scratch/newer.img" bs=1 seek=4104 conv=notrunc status=none
shim "image of a newer version" RAWCACHE_DEVICE="$scratch/newer.img"
cp "$IMAGE" "$scratch/writable.img"
chmod 0666 "$scratch/writable.img"
shim "image that others may write" RAWCACHE_DEVICE="$scratch/writable.img"
shim "no image" RAWCACHE_DEVICE="$scratch/none.img"
shim "a directory as image" RAWCACHE_DEVICE="$scratch"
shim "a character device as image" RAWCACHE_DEVICE=/dev/null
shim "no runtime directory" RAWCACHE_RUNTIME_DIR="$scratch/nowhere"
shim "a file as runtime directory" RAWCACHE_RUNTIME_DIR="$scratch/d/file"
shim "bad values" RAWCACHE_TTL=x RAWCACHE_SETTLE=-1 RAWCACHE_MMAP_THRESHOLD=9Q RAWCACHE_IO=fast
shim "unknown variable" RAWCACHE_PATH=/x
shim "no path" RAWCACHE_PATHS=
before=$(total hits)
shim "switched off" RAWCACHE_DISABLE=1
shim "skipped" RAWCACHE_SKIP=bash:python3:sh
shim "skipped by the path it was started with" RAWCACHE_SKIP=python3
is "$(total hits)" "$before" "what is switched off or skipped does not use the cache"
shim "another is skipped" RAWCACHE_SKIP=python:python33:ython3
at_least "$(total hits)" $((before + 1)) "which the others do"

if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=1M rawcache-test "$scratch/run" 2>/dev/null; then
	mounts="$mounts $scratch/run"
	shim "runtime directory without room" RAWCACHE_RUNTIME_DIR="$scratch/run"
	umount "$scratch/run"
	mount -t tmpfs -o size=64M,ro rawcache-test "$scratch/run"
	shim "read-only runtime directory" RAWCACHE_RUNTIME_DIR="$scratch/run"
	umount "$scratch/run"
	mount -t tmpfs -o size=24M rawcache-test "$scratch/run"
	"$RAWCACHE" format --size 20M "$scratch/run/full.img" >/dev/null
	head -c 10000000 /dev/zero >"$scratch/run/rest" 2>/dev/null
	shim "image on a full file system" RAWCACHE_DEVICE="$scratch/run/full.img" \
		RAWCACHE_RUNTIME_DIR="$scratch"
	umount "$scratch/run"
fi

# what is moved to where it is excluded is not served from then on, though nothing of the file itself changes
mkdir -p "$scratch/d/in/sub" "$scratch/d/out"
head -c 300000 /dev/urandom >"$scratch/d/in/sub/moved"
cp "$TOP_SRCDIR/tests/shim/bypass_moved.py" "$scratch/moved.py"
age "$scratch/d/in"
excluded=$(total passthrough.excluded)
RAWCACHE_PATHS="$scratch/d:!$scratch/d/out" RAWCACHE_DEVICE=$IMAGE LD_PRELOAD=$RAWCACHE_PRELOAD \
	python3 "$scratch/moved.py" "$scratch/d"
is "$(($(total passthrough.excluded) - excluded))" 7 "a file whose directory was moved to an excluded place"
rm -r "$scratch/d/in" "$scratch/d/out"

# a file that others may not read is theirs alone, though its bytes are in a cache that all share
chmod 755 "$scratch"
if setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$scratch"; then
	mkdir -m 755 "$scratch/rights" && mkdir -m 1777 "$scratch/rights/cache"
	head -c 300000 "$scratch/d/file" >"$scratch/rights/closed"
	cp "$scratch/rights/closed" "$scratch/rights/open"
	chmod 600 "$scratch/rights/closed"
	sleep 0.1
	IMAGE=$scratch/rights/cache/shared.img
	CACHED_PATH=$scratch/rights
	export RAWCACHE_SETTLE=0 RAWCACHE_SHARED=1
	(umask 0; exec "$RAWCACHE" format --shared --size 16M "$IMAGE") >/dev/null
	cp "$RAWCACHE_PRELOAD" "$scratch/rights/cache/" # the tree may be in a place that others do not reach
	built=$RAWCACHE_PRELOAD
	RAWCACHE_PRELOAD=$scratch/rights/cache/${built##*/}
	cached cat "$scratch/rights/closed" "$scratch/rights/open" >/dev/null
	before=$(counter hits)
	cached setpriv --reuid=65534 --regid=65534 --clear-groups cat "$scratch/rights/open" >/dev/null
	at_least "$(($(counter hits) - before))" 1 "another user is served from the same cache"
	said=$(cached setpriv --reuid=65534 --regid=65534 --clear-groups \
		cat "$scratch/rights/closed" 2>&1 >"$scratch/got")
	case $said in *"Permission denied"*) status=0 ;; *) status=1 ;; esac
	ok $status "but not what it may not read"
	is "$(wc -c <"$scratch/got")" 0 "and gets no byte of it"
	unset RAWCACHE_SETTLE RAWCACHE_SHARED
	RAWCACHE_PRELOAD=$built
else
	echo "# rights of others: not looked at: cannot become another user here"
fi

# what is wrong while programs run
"$RAWCACHE" format --force --size 16M "$scratch/doomed.img" >/dev/null
env LD_PRELOAD="$RAWCACHE_PRELOAD" RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$scratch/doomed.img" \
	python3 -c '
import hashlib, os, sys
f = open(sys.argv[1], "rb", buffering=0)
sums = set()
for i in range(60):
    f.seek(0)
    h = hashlib.sha256()
    while b := f.read(50000):
        h.update(b)
    sums.add(h.hexdigest())
    if i == 20:
        os.truncate(sys.argv[2], 3 << 20)
    if i == 40:
        os.unlink(sys.argv[2])
print(*sums, " -")' "$scratch/d/file" "$scratch/doomed.img" >"$scratch/doomed.out" 2>&1
is "$(tr -s ' ' <"$scratch/doomed.out")" "$(echo "$sum" | tr -s ' ')" \
	"the image is truncated and removed under a running program"
done_testing
