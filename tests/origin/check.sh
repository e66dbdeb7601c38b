#!/bin/sh
# SPDX-License-Identifier: MIT
# The slow origin itself: what other tests rely on. Output: TAP.
# $ORIGIN, or the first argument, names the program.
set -u

origin=${1:-${ORIGIN:?name the program}}
origin=$(cd "$(dirname "$origin")" && pwd)/$(basename "$origin")
if [ ! -w /dev/fuse ] || ! command -v fusermount3 >/dev/null; then
	echo "1..0 # SKIP no FUSE here"
	exit 77
fi

work=$(mktemp -d) || exit 99
cd "$work" || exit 99
count=0
failed=0

cleanup()
{
	# Whoever still waits in a stall would keep the mount.
	[ ! -e "$work/mnt/.origin/control" ] || echo clear >"$work/mnt/.origin/control"
	fusermount3 -u -z "$work/mnt" 2>/dev/null
	cd /
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 99' INT TERM

ok() # STATUS NAME
{
	count=$((count + 1))
	[ "$1" -eq 0 ] && { echo "ok $count - $2"; return; }
	failed=$((failed + 1))
	echo "not ok $count - $2"
}

is() # GOT WANTED NAME
{
	[ "$1" = "$2" ]
	ok $? "$3"
	[ "$1" = "$2" ] || echo "# got '$1', wanted '$2'"
}

mount_origin() { "$origin" "$@" back mnt; }
unmount() { fusermount3 -u mnt; }
tell() { printf '%s\n' "$@" >mnt/.origin/control; }
stat_of() { sed -n "s/^$1 //p" mnt/.origin/stats; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
read_direct() { dd if="$1" of=/dev/null bs=64K count=1 iflag=direct 2>/dev/null; }

wait_for() # NAME VALUE: until the counter has it, two seconds at most
{
	tries=100
	while [ "$(stat_of "$1")" != "$2" ] && [ $((tries -= 1)) -gt 0 ]; do
		sleep 0.02
	done
	[ "$(stat_of "$1")" = "$2" ]
}

mkdir back mnt back/dir
dd if=/dev/urandom of=back/big bs=1M count=8 2>/dev/null
echo hello >back/dir/file
echo other >back/other
ln -s file back/dir/link
for i in 1 2 3 4 5 6 7 8 9; do
	mkdir -p back/tree/$i/a/b
	echo $i | tee back/tree/$i/one back/tree/$i/a/two >back/tree/$i/a/b/three
done

# --- the command line
message=$("$origin" back nowhere 2>&1)
is "$?-$message" "1-origin: nowhere: No such file or directory" "a missing mount point is one error"
"$origin" --latency=soon back mnt 2>/dev/null
is $? 2 "a bad value is refused"

# --- passing through
mount_origin --log="$work/log"
ok $? "mounts, and returns when the mount stands"
diff -r --no-dereference back mnt >/dev/null
ok $? "the same tree"
attributes='%P %i %s %m %n %u %g %T@ %C@ %b %y\n'
is "$(find mnt -mindepth 1 -printf "$attributes" | sort)" \
	"$(find back -mindepth 1 -printf "$attributes" | sort)" "the same attributes and inode numbers"
cp -a back/tree mnt/copy && mv mnt/copy mnt/moved && rm mnt/moved/1/one &&
	touch -d @1000000000.5 mnt/moved/2/one && chmod 600 mnt/moved/2/one
ok $? "changes"
is "$(stat -c '%a %.Y' back/moved/2/one)" "600 1000000000.500000000" "changes arrive"
is "$(find mnt -name .origin -o -name stats | wc -l)" 0 "the control directory is not listed"
ls mnt/.origin/stats mnt/.origin/control >/dev/null
ok $? "but it is there"
if command -v git >/dev/null; then
	git init -q mnt/repo && cp -r back/tree mnt/repo && git -C mnt/repo add . &&
		git -C mnt/repo -c user.name=x -c user.email=x commit -qm x &&
		git clone -q mnt/repo mnt/clone && git -C mnt/clone fsck --full 2>/dev/null
	ok $? "git clone and fsck"
fi

# --- counters and log
tell reset
: >log
read_direct mnt/big
is "$(stat_of read) $(stat_of read_bytes)" "1 65536" "a read is counted"
is "$(cat log)" "$(stat -c %i back/big) 0 65536 /big" "a read is logged"
tell reset
is "$(stat_of read)$(stat_of open)$(stat_of lookup)" 000 "reset; reading the counters does not count"
sh -c 'echo nonsense >mnt/.origin/control' 2>/dev/null
is $? 1 "a command that makes no sense is refused"

# --- speed
tell "latency 200" reset
start=$(now_ms)
readers=
for i in $(seq 64); do
	read_direct mnt/big &
	readers="$readers $!"
done
# shellcheck disable=SC2086
wait $readers
took=$(($(now_ms) - start))
[ $took -ge 200 ] && [ $took -lt 3000 ] && [ "$(stat_of max_read_in_flight)" -ge 16 ]
ok $? "64 reads of 200 ms each overlap ($took ms, $(stat_of max_read_in_flight) at once)"
tell "latency 0" "bandwidth 16M"
start=$(now_ms)
dd if=mnt/big of=/dev/null bs=1M iflag=direct 2>/dev/null
took=$(($(now_ms) - start))
[ $took -ge 490 ] && [ $took -lt 1500 ]
ok $? "8 MiB at 16 MiB/s ($took ms)"
tell "bandwidth 0"

# --- faults
tell "fail read EIO 1 dir" "fail open ESTALE 0 other"
read_direct mnt/big && ! read_direct mnt/dir/file && read_direct mnt/dir/file
ok $? "a read below the prefix fails, once"
is "$(LC_ALL=C cat mnt/other 2>&1)" "cat: mnt/other: Stale file handle" "an open fails by name"
tell clear
is "$(cat mnt/other)" other "until cleared"
tell "fail read EIO 0@64K-128K big"
read_direct mnt/big && ! dd if=mnt/big of=/dev/null bs=64K count=1 skip=1 iflag=direct 2>/dev/null &&
	dd if=mnt/big of=/dev/null bs=64K count=1 skip=2 iflag=direct 2>/dev/null
ok $? "reads of a range of bytes fail"
is "$(grep fail mnt/.origin/control)" "fail read EIO 0@65536-131072 /big" "and it is told"
sh -c 'echo "fail open EIO 0@0-1" >mnt/.origin/control' 2>/dev/null
is $? 1 "an open has no bytes"
tell clear
tell "short read 100" && is "$(dd if=mnt/big bs=4K count=1 iflag=direct 2>/dev/null | wc -c)" 100 "short"
tell clear "stall read dir"
read_direct mnt/dir/file &
pid=$!
wait_for stalled 1 && read_direct mnt/big
ok $? "a read stalls, others do not"
tell clear
wait $pid
ok $? "and goes on when cleared"
tell "stall read"
dd if=mnt/big of=/dev/null iflag=direct 2>/dev/null &
pid=$!
wait_for stalled 1
kill -9 $pid
wait $pid 2>/dev/null
wait_for stalled 0
ok $? "a stalled reader can be killed"
tell "hold getattr dir"
stat --cached=never -c %Y mnt/dir >held &
pid=$!
wait_for stalled 1 && touch -d @1000 back/dir && tell clear && wait $pid
[ "$(cat held)" != 1000 ] && [ "$(stat -c %Y back/dir)" = 1000 ]
ok $? "an answer that is held back tells what was"
tell "stall open"
touch mnt/new &
pid=$!
wait_for stalled 1 && tell clear && wait $pid
ok $? "the control file works while the root directory is locked"

# --- going away
unmount
ok $? "unmounts"
mount_origin --inode-fds=1
cp -r mnt/tree mnt/again && diff -r mnt/tree mnt/again && mv mnt/again mnt/third && rm -r mnt/third
ok $? "a single descriptor for inodes will do"
pid=$(stat_of pid)
tell "stall read"
read_direct mnt/big &
reader=$!
wait_for stalled 1
kill "$pid"
wait $reader
tries=100
while grep -q " $work/mnt " /proc/mounts && [ $((tries -= 1)) -gt 0 ]; do
	sleep 0.02
done
! grep -q " $work/mnt " /proc/mounts
ok $? "a signal unmounts, even with a stalled reader"

echo "1..$count"
[ $failed -eq 0 ]
