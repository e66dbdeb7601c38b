#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs below the cache with too few processes, or too little memory: they read what is right, and those that are
# killed for it leave nothing that others wait for.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/limits.inc"

# group CONTROLLER: a control group of its own below this process's, at $group
group() {
	group=/sys/fs/cgroup/$1$(sed -n "s/.*:$1://p" /proc/self/cgroup)/rawcache-test.$$
	[ -w "/sys/fs/cgroup/$1" ] && mkdir "$group" 2>/dev/null
}
# in_group COMMAND...: as its only process
in_group() {
	timeout 60 sh -c "echo \$\$ >$group/cgroup.procs; exec \"\$@\"" sh "$@"
}

check "no process and no thread more" env RAWCACHE_READAHEAD=8M $shim \
	python3 "$scratch/limits_nobody.py" "$scratch/limits_compare.py" "$CACHED_PATH" "$plain"

# the kernel says EAGAIN to whatever comes next, at another place with each limit
if group pids; then
	python=$(python3 -c 'import sys; print(sys.executable)') # what is called so may be a script that forks
	for limit in 1 2 3 4 5; do
		echo $limit >"$group/pids.max"
		forgotten
		check "no more than $limit processes and threads" \
			in_group env SAID="$scratch/said" RAWCACHE_READAHEAD=8M $shim "$python" \
			"$scratch/limits_forks.py" "$scratch/limits_compare.py" "$CACHED_PATH" "$plain"
	done
	at_least "$(awk '{ n += $2 } END { print n + 0 }' "$scratch/said")" 10 "of which many were refused"
	rmdir "$group"
else
	echo "# no control group for processes can be made here"
fi

if group memory; then
	echo 40M >"$group/memory.limit_in_bytes"
	forgotten
	killed=0
	for _ in 1 2 3; do
		in_group $shim $compare >/dev/null 2>&1 &
		reader=$!
		in_group $shim python3 "$scratch/limits_memory.py" "$CACHED_PATH" >/dev/null 2>&1
		[ $? -ne 137 ] || killed=$((killed + 1))
		wait $reader
	done
	at_least "$killed" 1 "processes without memory are killed"
	rmdir "$group"
else
	echo "# no memory control group can be made here: a SIGKILL stands for it (tests/faults/torture_engine)"
fi
check "the others go on" $shim $compare
verified "the image verifies"
is "$(processes)" 0 "and no process is left in it"
done_testing
