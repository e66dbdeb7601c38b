# SPDX-License-Identifier: MIT
# The words of the test scripts. A story of theirs is
#
#	origin_has file 1000000		# random bytes, in $back
#	origin --latency=1		# which is mounted at $CACHED_PATH, and slow
#	image 64M			# an empty one at $IMAGE
#	right file "a first pass"	# a program reads it below the cache: a line of TAP
#	mark origin_bytes
#	right file "a second pass"
#	is "$(since)" 0 "it does not ask the origin"
#	done_testing
#
# The environment names the build: TOP_BUILDDIR and TOP_SRCDIR; without it, the directory build/ of the tree
# (scripts/build). Everything lies in $scratch, which is removed at the end.

set -u
TOP_SRCDIR=${TOP_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
[ -n "${TOP_BUILDDIR:-}" ] || { TOP_BUILDDIR=$TOP_SRCDIR; [ ! -d "$TOP_SRCDIR/build" ] || \
	TOP_BUILDDIR=$TOP_SRCDIR/build; }
TOP_SRCDIR=$(cd "$TOP_SRCDIR" && pwd)
TOP_BUILDDIR=$(cd "$TOP_BUILDDIR" && pwd)
RAWCACHE=${RAWCACHE:-$TOP_BUILDDIR/rawcache}
RAWCACHE_PRELOAD=${RAWCACHE_PRELOAD:-$TOP_BUILDDIR/.libs/librawcache-preload.so}
ORIGIN=${ORIGIN:-$TOP_BUILDDIR/tests/origin/origin}
export RAWCACHE_PRELOAD
for name in $(env | sed -n 's/^\(RAWCACHE_[A-Z_]*\)=.*/\1/p'); do
	case $name in RAWCACHE_PRELOAD | RAWCACHE_TESTS_FULL) ;; *) unset "$name" ;; esac
done

tap_count=0
tap_failed=0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rawcache-test.XXXXXX")
mounts=
pids=
back=$scratch/back
CACHED_PATH=$scratch/mnt
IMAGE=$scratch/cache.img

# stop PID: end a child of this script, by force if it does not go within 10 s
stop() {
	kill "$1" 2>/dev/null || return 0
	for _ in $(seq 100); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

cleanup() {
	for pid in $pids; do
		stop "$pid"
	done
	for m in $mounts; do
		fusermount3 -u -z "$m" 2>/dev/null || umount -l "$m" 2>/dev/null
	done
	for image in "$scratch"/*.img; do
		[ -e "$image" ] || continue
		rm -f "/dev/shm/rawcache-$("$RAWCACHE" info --json --cache "$image" 2>/dev/null |
			sed -n 's/.*"uuid": *"\([^"]*\)".*/\1/p')"
	done
	chmod -R u+rwX "$scratch" 2>/dev/null
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# ok STATUS NAME: one result; STATUS 0 is a success
ok() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		# TAP: what is known to be missing does not fail the test
		case $2 in *"# TODO"*) ;; *) tap_failed=$((tap_failed + 1)) ;; esac
		echo "not ok $tap_count - $2"
	fi
}

# skip NAME WHY: the machine cannot do it
skip() {
	ok 0 "$1 # SKIP $2"
}

# check NAME COMMAND...: the command succeeds
check() {
	check_name=$1
	shift
	"$@" >"$scratch/check.log" 2>&1
	check_status=$?
	[ $check_status -eq 0 ] || sed 's/^/# /' "$scratch/check.log" | head -40
	ok $check_status "$check_name"
}

# tap NAME COMMAND...: a program that speaks TAP itself: its results become ours
tap() {
	name=$1
	shift
	"$@" >"$scratch/tap.out" 2>&1
	status=$?
	while read -r line; do
		case $line in
		"ok "*) ok 0 "$name: ${line#*- }" ;;
		"not ok "*) ok 1 "$name: ${line#*- }" ;;
		*) echo "# $line" ;;
		esac
	done <"$scratch/tap.out"
	ok $status "$name ended well"
}

# is GOT WANTED NAME: two strings are equal
is() {
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		echo "# got:    $1"
		echo "# wanted: $2"
		ok 1 "$3"
	fi
}

# at_most GOT LIMIT NAME: two integers
at_most() {
	[ "$1" -le "$2" ] || echo "# got $1, at most $2"
	[ "$1" -le "$2" ]
	ok $? "$3"
}

at_least() {
	[ "$1" -ge "$2" ] || echo "# got $1, at least $2"
	[ "$1" -ge "$2" ]
	ok $? "$3"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 77
}

done_testing() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit $?
}

need() {
	for program in "$@"; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
}

# need_origin: FUSE mounts are possible here
need_origin() {
	[ -x "$ORIGIN" ] || skip_all "the test origin was not built (libfuse3-dev)"
	[ -w /dev/fuse ] || skip_all "/dev/fuse cannot be used here"
}

# origin_has FILE BYTES: random ones
origin_has() {
	mkdir -p "$(dirname "$back/$1")"
	head -c "$2" /dev/urandom >"$back/$1"
}

# origin [OPTION]...: what lies in $back is at $CACHED_PATH, mounted anew: the kernel has nothing of it in memory.
# The first time it is made old enough to be stored.
origin() {
	need_origin
	if [ -e "$CACHED_PATH/.origin" ]; then origin_umount "$CACHED_PATH"; else age "$back"; fi
	origin_mount "$back" "$CACHED_PATH" "$@" || skip_all "the origin cannot be mounted"
}

# origin_bytes: how many were read of it
origin_bytes() {
	origin_stat "$CACHED_PATH" read_bytes
}

# origin_mount BACKING MOUNTPOINT [OPTION]...
origin_mount() {
	origin_backing=$1
	origin_point=$2
	shift 2
	mkdir -p "$origin_point"
	"$ORIGIN" "$@" "$origin_backing" "$origin_point" || return 1
	mounts="$mounts $origin_point"
}

origin_umount() {
	fusermount3 -u "$1" || umount "$1"
}

# origin_stat MOUNTPOINT COUNTER
origin_stat() {
	sed -n "s/^$2 //p" "$1/.origin/stats"
}

origin_control() {
	echo "$2" >"$1/.origin/control"
}

# image [SIZE [OPTION]...]: an empty one at $IMAGE
image() {
	"$RAWCACHE" format --force --yes --size "${1:-64M}" "${@:2}" "$IMAGE" >/dev/null || exit 1
}

# forget FILE...: the kernel has nothing of them in memory
forget() {
	for forget_file in "$@"; do
		dd if="$forget_file" iflag=nocache count=0 status=none
	done
}

# right FILE NAME: what a program reads below the cache is what the origin has
right() {
	check "$2" cached cmp "$CACHED_PATH/$1" "$back/$1"
}

# verified NAME: the bytes in the image have their checksums
verified() {
	check "$1" "$RAWCACHE" verify --cache "$IMAGE"
}

# cached COMMAND...: run below the cache; CACHED_PATH and IMAGE say which
cached() {
	"$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- "$@"
}

# begin COMMAND...: the same, and go on. Its process is $begun; that of `cached COMMAND &` would be a shell, and who
# kills or stops that leaves the program as it is.
begin() {
	"$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- "$@" &
	begun=$!
	pids="$pids $begun"
}

# counter NAME: a counter of the totals of $IMAGE
counter() {
	"$RAWCACHE" stat --cache "$IMAGE" --json | python3 -c '
import json, sys
t = json.load(sys.stdin)["totals"]
for part in sys.argv[1].split("."):
    t = t[part]
print(t)' "$1"
}

# processes: how many have $IMAGE in use
processes() {
	"$RAWCACHE" stat --cache "$IMAGE" --json |
		python3 -c 'import json, sys; print(len(json.load(sys.stdin)["processes"]))'
}

# mark COMMAND...: remember the number that it prints. since: how much more it prints now
mark() {
	mark_command=("$@")
	mark_number=$("$@")
}
since() {
	echo $(($("${mark_command[@]}") - mark_number))
}

# wait_until COMMAND...: for 10 s at most; false if it is not true then
wait_until() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

# free_port: a TCP port that nobody has, not even a connection that has ended. It lies below those
# that the kernel gives to clients, which keep one for a minute after.
free_port() {
	while :; do
		free_port=$((10000 + (RANDOM * 32768 + RANDOM) % 22768))
		grep -qsi "^ *[0-9]*: [0-9A-F]*:$(printf %04x $free_port) " /proc/net/tcp /proc/net/tcp6 || break
	done
	echo $free_port
}

# port_wait PORT: until somebody listens there
port_wait() {
	for _ in $(seq 100); do
		(: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.05
	done
}

# age DIRECTORY: make files old enough to be stored (RAWCACHE_SETTLE, and clock ticks)
age() {
	find "$1" -exec touch -h -d '1 hour ago' {} +
	sleep "${2:-2.2}" # their change time is now, all the same
}
