#!/bin/bash
# SPDX-License-Identifier: MIT
# What examples/container does, with unshare(1): two containers with mounts, processes, IPC and /dev/shm of their own,
# a read-only root, no rights and a user who is not root share an image, and the directory of its segment.
. "$(dirname "$0")/../lib.sh"
need unshare setpriv
[ "$(id -u)" = 0 ] || skip_all "only root makes containers without more"
unshare -m -p -i --fork true 2>/dev/null || skip_all "no namespaces can be made here"
chmod 755 "$scratch"
mkdir "$scratch/bin" "$scratch/data"
cp "$RAWCACHE" "$RAWCACHE_PRELOAD" "$scratch/bin"
libtool_wrapped=$TOP_BUILDDIR/.libs/rawcache
[ ! -x "$libtool_wrapped" ] || cp "$libtool_wrapped" "$scratch/bin/rawcache"
install -d -o 10001 -g 10001 "$scratch/cache" "$scratch/run" "$scratch/other"
head -c 5000000 /dev/urandom >"$scratch/data/file"
age "$scratch/data"

# container SEGMENTS COMMAND: in a container, as user 10001
container() {
	env -i PATH="$PATH" HOME=/nonexistent S="$scratch" RAWCACHE_RUNTIME_DIR="$1" RAWCACHE_SIZE=32M \
		RAWCACHE_DEVICE="$scratch/cache/cache.img" RAWCACHE_PATHS="$scratch/data" \
		unshare -m -p -i --fork --mount-proc sh -euc '
		mount -t tmpfs -o mode=1777 none /dev/shm
		for directory in "$S/cache" "$RAWCACHE_RUNTIME_DIR"; do mount --bind "$directory" "$directory"; done
		mount -o remount,bind,ro /
		exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set -all \
			env PATH="$S/bin:$PATH" sh -c "$1"' sh "$2"
}
container "$scratch/run" 'touch "$S/written" 2>/dev/null || [ ! -w /etc ]' >/dev/null 2>&1
check "the root is read-only in there" test ! -e "$scratch/written"
container "$scratch/run" 'rawcache run -- cat "$S/data/file"' >"$scratch/copy" 2>"$scratch/err"
check "the first one makes the image and reads" cmp "$scratch/copy" "$scratch/data/file"
container "$scratch/run" 'exec rawcache run -- tail -c 1000 -f "$S/data/file"' >"$scratch/tail" 2>/dev/null &
first=$!
for _ in $(seq 200); do
	[ -s "$scratch/tail" ] || sleep 0.1
done
check "another stays there" test -s "$scratch/tail"
container "$scratch/run" 'rawcache run --stats -- cat "$S/data/file"' >"$scratch/copy" 2>"$scratch/err"
check "the second one reads the same" cmp "$scratch/copy" "$scratch/data/file"
grep -q "0 misses, hit ratio 100" "$scratch/err"
ok $? "all of it from the image"
sed 's/^/# /' "$scratch/err"
container "$scratch/run" 'rawcache stat --per-process' >"$scratch/out" 2>&1
grep -q ' tail ' "$scratch/out"
ok $? "and sees the process in the first"
container "$scratch/other" 'rawcache run -- true' >"$scratch/out" 2>&1
is $? 1 "with another directory for segments it is refused"
grep -q "RAWCACHE_RUNTIME_DIR to a directory that all of them see" "$scratch/out"
ok $? "in words that tell what to do"
# the first process of the container: the child of unshare, which is the child of the shell that runs it
child=$(tr -d ' ' <"/proc/$first/task/$first/children")
kill -KILL "$(tr -d ' ' <"/proc/$child/task/$child/children")"
wait "$first" 2>/dev/null
container "$scratch/run" 'rawcache verify && rawcache run -- cat "$S/data/file"' >"$scratch/out" 2>&1
is $? 0 "when the first one is killed the others go on"

# --- a container that lacks /proc

export RAWCACHE_RUNTIME_DIR=$scratch/run
mkdir "$scratch/proc"
unshare -m sh -c 'mount -t tmpfs none /proc; exec "$@"' sh "$RAWCACHE" doctor --cache "$scratch/proc/i.img" true \
	>"$scratch/out" 2>&1
grep -q "^fail /proc is not mounted" "$scratch/out"
ok $? "without /proc doctor says that it is needed"
unshare -m sh -c 'mount -t tmpfs none /proc; exec "$@"' sh "$RAWCACHE" run --path "$scratch/data" --size 16M \
	--cache "$scratch/proc/i.img" true >"$scratch/out" 2>&1
grep -q "needs /proc, which is not mounted" "$scratch/out"
ok $? "and run, too"
done_testing
