#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs below the cache with too little of something: locked memory, /dev/shm, disk, processes,
# memory; and in containers. They read what is right, with the cache or without.
. "$(dirname "$0")/../lib.sh"
need python3 unshare
unshare -m true 2>/dev/null || skip_all "no namespaces without root here"
mkdir -p "$scratch/d" "$scratch/plain" "$scratch/small"
for i in 1 2 3 4 5 6 7 8; do
	head -c $((3000000 + i * 12345)) /dev/urandom >"$scratch/d/$i"
done
cp "$scratch/d"/* "$scratch/plain"
age "$scratch/d"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
# below LD_PRELOAD alone: `rawcache run` would refuse what the shim puts up with
shim="env LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$CACHED_PATH RAWCACHE_DEVICE=$IMAGE"
cp "$TOP_SRCDIR/tests/faults/limits_compare.py" "$scratch/compare.py"
compare="timeout 60 python3 $scratch/compare.py $CACHED_PATH $scratch/plain"

# hits_more WANTED NAME: hits since the last call
hits_before=0
hits_more() {
	hits_now=$(counter hits)
	at_least $((hits_now - hits_before)) "$1" "$2"
	hits_before=$hits_now
}

for io in threads io_uring sync; do
	check "no locked memory, RAWCACHE_IO=$io" sh -c "ulimit -l 0; RAWCACHE_IO=$io $shim $compare"
done
hits_more 100 "with the cache"

# --- the runtime segment's place
for how in "size=64k" "size=1k,nr_inodes=2" "ro"; do
	check "/dev/shm with $how" unshare -m sh -c "mount -t tmpfs -o $how tmpfs /dev/shm; $shim $compare"
done
check "no /dev/shm at all" unshare -m sh -c "mount -t tmpfs tmpfs /dev; mknod /dev/null c 1 3; $shim $compare"

# --- the image's disk
full() {
	mount -t tmpfs -o size=48M tmpfs "$scratch/small"
	"$RAWCACHE" format --size 64M "$scratch/small/cache.img" >"$scratch/refused" 2>&1 && exit 3
	[ ! -e "$scratch/small/cache.img" ] || exit 4
	"$RAWCACHE" format --size 20M "$scratch/small/cache.img" >/dev/null || exit 5
	# what is left is somebody else's, also what a recycled region gives back for a moment
	(while :; do cat /dev/zero >>"$scratch/small/other" 2>/dev/null; sleep 0.01; done) &
	filler=$!
	sleep 0.3
	RAWCACHE_RUNTIME_DIR=$scratch RAWCACHE_DEVICE=$scratch/small/cache.img $shim $compare
	result=$?
	kill $filler
	return $result
}
export scratch RAWCACHE shim compare
export -f full
check "a full disk, and an image that does not get its space back" unshare -m bash -c \
	"shim='env LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$CACHED_PATH'; full"

# --- processes and threads
limit_processes() {
	RAWCACHE_READAHEAD=8M $shim python3 - "$CACHED_PATH" "$scratch/plain" "$scratch/compare.py" <<-'PYTHON'
		import os, resource, sys
		os.setgid(65534); os.setuid(65534)
		resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
		try:
		    os.fork()
		    sys.exit("fork works")
		except BlockingIOError:
		    pass
		sys.argv = sys.argv[2:] and [sys.argv[3]] + sys.argv[1:3]
		exec(open(sys.argv[0]).read())
	PYTHON
}
chmod 755 "$scratch"
"$RAWCACHE" drop --all --yes --cache "$IMAGE" >/dev/null
check "no process and no thread more" limit_processes

# the kernel says EAGAIN to whatever comes next, at another place with each limit
cp "$TOP_SRCDIR/tests/faults/limits_forks.py" "$scratch/forks.py"
group=/sys/fs/cgroup/pids$(sed -n 's/.*:pids://p' /proc/self/cgroup)/rawcache-test.$$
if [ -w /sys/fs/cgroup/pids ] && mkdir "$group" 2>/dev/null; then
	python=$(python3 -c 'import sys; print(sys.executable)') # what is called so may be a script that forks
	for limit in 1 2 3 4 5; do
		echo $limit >"$group/pids.max"
		"$RAWCACHE" drop --all --yes --cache "$IMAGE" >/dev/null
		check "no more than $limit processes and threads" timeout 60 sh -c "echo \$\$ >$group/cgroup.procs
			SAID=$scratch/said RAWCACHE_READAHEAD=8M exec $shim \
			$python $scratch/forks.py $scratch/compare.py $CACHED_PATH $scratch/plain"
	done
	at_least "$(awk '{ n += $2 } END { print n + 0 }' "$scratch/said")" 10 "of which many were refused"
	rmdir "$group"
else
	echo "# no control group for processes can be made here"
fi

# --- memory: those that are killed for it leave nothing that others wait for
group=/sys/fs/cgroup/memory$(sed -n 's/.*:memory://p' /proc/self/cgroup)/rawcache-test.$$
if [ -w /sys/fs/cgroup/memory ] && mkdir "$group" 2>/dev/null; then
	echo 40M >"$group/memory.limit_in_bytes"
	in_group() {
		sh -c "echo \$\$ >$group/cgroup.procs; exec $1"
	}
	"$RAWCACHE" drop --all --yes --cache "$IMAGE" >/dev/null
	killed=0
	for _ in 1 2 3; do
		in_group "$shim timeout 60 python3 $scratch/compare.py $CACHED_PATH $scratch/plain" >/dev/null 2>&1 &
		reader=$!
		in_group "$shim timeout 60 python3 -c 'import os
kept = []
for n in range(1, 9):
    kept.append(open(\"$CACHED_PATH/\" + str(n), \"rb\").read())
while True:
    kept.append(bytearray(os.urandom(1 << 20)))'" >/dev/null 2>&1
		[ $? -ne 137 ] || killed=$((killed + 1))
		wait $reader
	done
	at_least "$killed" 1 "processes without memory are killed"
	rmdir "$group"
else
	echo "# no memory control group can be made here: a SIGKILL stands for it (tests/faults/torture_engine)"
fi
check "the others go on" $shim $compare
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
is "$("$RAWCACHE" stat --cache "$IMAGE" --json |
	python3 -c 'import json, sys; print(len(json.load(sys.stdin)["processes"]))')" \
	0 "and no process is left in it"

# --- containers: the image at another place, in other namespaces
mkdir "$scratch/box"
hits_before=$(counter hits)
box="mount --bind $scratch/cache.img $scratch/box/image; env RAWCACHE_DEVICE=$scratch/box/image"
touch "$scratch/box/image"
shim_box="env LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$CACHED_PATH"
cp "$TOP_SRCDIR/tests/faults/limits_stay.py" "$scratch/stay.py"
$shim python3 "$scratch/stay.py" "$CACHED_PATH/1" &
pids="$pids $!"
unshare -mpif --kill-child sh -c "$box $shim_box python3 $scratch/stay.py $CACHED_PATH/2" &
pids="$pids $!"
for _ in $(seq 100); do
	running=$("$RAWCACHE" stat --cache "$IMAGE" --json |
		python3 -c 'import json, sys; print(len(json.load(sys.stdin)["processes"]))')
	[ "$running" -lt 2 ] || break
	sleep 0.1
done
at_least "$running" 2 "a program here and one in a container are attached; neither is taken for dead"
check "another container" unshare -mpif sh -c "$box $shim_box $compare"
hits_more 100 "shares the cache"
check "one with a /dev/shm of its own" \
	unshare -mpif sh -c "mount -t tmpfs tmpfs /dev/shm; $box $shim_box $compare"
is "$(counter hits)" "$hits_before" "reads not a byte from the cache"
check "here everything goes on" $shim $compare
check "and the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
