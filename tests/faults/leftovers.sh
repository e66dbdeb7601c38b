#!/bin/bash
# SPDX-License-Identifier: MIT
# What is left in the runtime directory of images that are gone, and what must stay there.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

export RAWCACHE_SETTLE=0
mkdir "$scratch/run" "$scratch/d"
export RAWCACHE_RUNTIME_DIR=$scratch/run
head -c 300000 /dev/urandom >"$scratch/d/f"
sleep 1.1 # sweeping is put off by as much at most
CACHED_PATH=$scratch/d

use() {
	IMAGE=$1 cached "${@:2}" cat "$scratch/d/f" >/dev/null 2>"$scratch/err" || sed 's/^/# /' "$scratch/err"
}
segment() {
	echo "$scratch/run/rawcache-$("$RAWCACHE" info --json --cache "$1" 2>/dev/null |
		sed -n 's/.*"uuid": *"\([^"]*\)".*/\1/p')"
}
make() {
	mkdir -p "${1%/*}"
	"$RAWCACHE" format --yes --size 16M "$1" >/dev/null
	use "$1"
	segment "$1"
}
gone() {
	[ ! -e "$1" ]
	ok $? "$2"
}
stays() {
	[ -e "$1" ]
	ok $? "$2"
}

# batch jobs: each with an image of its own, in a directory of its own
for job in 1 2 3 4 5; do
	make "$scratch/job$job/cache.img" >/dev/null
	rm -r "$scratch/job$job"
done
at_most "$(find "$scratch/run" -name 'rawcache-*' | wc -l)" 1 "jobs that delete their images leave one segment"
main=$(make "$scratch/main.img")
is "$(find "$scratch/run" -name 'rawcache-*')" "$main" "which goes when another image is used"

other=$(make "$scratch/other.img")
rm "$scratch/other.img"
sleep 1.1 # sweeping is put off by as much at most
use "$scratch/main.img"
gone "$other" "it goes where an image with a segment is used"
stays "$main" "whose own stays"
other=$(make "$scratch/other.img")
rm "$scratch/other.img"
"$RAWCACHE" format --size 16M "$scratch/other.img" >/dev/null
gone "$other" "it goes when an image is made"
other=$(make "$scratch/other.img")
"$RAWCACHE" format --force --size 16M "$scratch/other.img" >/dev/null
gone "$other" "format --force takes the old one along"
for kind in mkdir mkfifo; do
	other=$(make "$scratch/other.img")
	rm "$scratch/other.img"
	$kind "$scratch/other.img"
	sleep 1.1
	use "$scratch/main.img"
	gone "$other" "it goes where its image's place was taken by $kind"
	rm -r "$scratch/other.img"
done
other=$(make "$scratch/other.img")
for at in 0 4096; do
	dd if=/dev/zero of="$scratch/other.img" bs=4096 count=1 seek=$((at / 4096)) conv=notrunc status=none
done
"$RAWCACHE" format --force --size 16M "$scratch/other.img" >/dev/null
gone "$other" "also that of an image that cannot be read any more"
other=$(make "$scratch/other.img")
mv "$scratch/other.img" "$scratch/moved.img"
use "$scratch/main.img"
sleep 1.1 # sweeping is put off by as much at most
use "$scratch/main.img"
use "$scratch/moved.img"
stays "$(segment "$scratch/moved.img")" "an image that was moved has one when it is used again"
rm -f "$scratch/moved.img"

# what must stay
other=$(make "$scratch/other.img")
mkfifo "$scratch/go"
IMAGE=$scratch/other.img cached sh -c 'exec 3<"$0"; cat <&3 >/dev/null; exec sleep 20' "$scratch/d/f" &
reader=$!
IMAGE=$scratch/other.img cached python3 -c 'import sys
f = open(sys.argv[1], "rb"); f.read(); open(sys.argv[2]).read(); f.seek(0); print(len(f.read()))' \
	"$scratch/d/f" "$scratch/go" >"$scratch/out" &
holder=$!
for _ in $(seq 100); do
	[ "$("$RAWCACHE" stat --json --cache "$scratch/other.img" | grep -c '"command": *"python3"')" -gt 0 ] && break
	sleep 0.05
done
mv "$scratch/other.img" "$scratch/hidden"
sleep 1.1 # sweeping is put off by as much at most
use "$scratch/main.img"
stays "$other" "a segment that somebody uses stays, though the image is gone"
mv "$scratch/hidden" "$scratch/other.img"
use "$scratch/other.img"
is "$(IMAGE=$scratch/other.img counter passthrough.runtime_unreachable)" 0 "and others join it"
: >"$scratch/go"
wait "$holder"
is "$(cat "$scratch/out")" 300000 "the reader goes on"
kill "$reader" 2>/dev/null
wait "$reader" 2>/dev/null
cp --preserve=all "$other" "$scratch/keep"
mv "$scratch/keep" "$scratch/run/rawcache-00000000-0000-0000-0000-00000000000x"
: >"$scratch/run/rawcache-notes"
: >"$scratch/run/rawcache-00000000-0000-0000-0000-000000000001"
mkfifo "$scratch/run/rawcache-00000000-0000-0000-0000-000000000002"
ln -s "$scratch/d/f" "$scratch/run/rawcache-00000000-0000-0000-0000-000000000003"
sleep 1.1 # sweeping is put off by as much at most
use "$scratch/main.img"
stays "$scratch/run/rawcache-notes" "a file of another name stays"
stays "$scratch/run/rawcache-00000000-0000-0000-0000-000000000001" "one that is being made stays"
[ -p "$scratch/run/rawcache-00000000-0000-0000-0000-000000000002" ] &&
	[ -L "$scratch/run/rawcache-00000000-0000-0000-0000-000000000003" ]
ok $? "and what is no segment"
touch -d '2 hours ago' "$scratch/run/rawcache-00000000-0000-0000-0000-000000000001"
sleep 1.1 # sweeping is put off by as much at most
use "$scratch/main.img"
gone "$scratch/run/rawcache-00000000-0000-0000-0000-000000000001" "until it is hours old: its maker was killed"
rm -f "$scratch/run"/rawcache-0*

if [ "$(id -u)" = 0 ] && mkdir "$scratch/disk" &&
	mount -t tmpfs -o size=64M rawcache-test "$scratch/disk" 2>/dev/null; then
	mounts="$mounts $scratch/disk"
	other=$(make "$scratch/disk/sub/other.img")
	mount -t tmpfs -o size=64M rawcache-test "$scratch/disk"
	sleep 1.1
	use "$scratch/main.img"
	stays "$other" "an image on a file system that is not visible now"
	umount "$scratch/disk"
	unshare --mount sh -c 'umount "$0"/disk && "$1" stat --cache "$0/main.img" >/dev/null' "$scratch" "$RAWCACHE"
	sleep 1.1
	unshare --mount sh -c 'umount "$0"/disk && "$1" stat --cache "$0/main.img" >/dev/null' "$scratch" "$RAWCACHE"
	stays "$other" "or is not in another mount namespace"
	unshare --mount sh -c \
		'rm -r "$0"/disk/sub && mkdir -p "$0/disk/sub" && "$1" stat --cache "$0/main.img" >/dev/null' \
		"$scratch" "$RAWCACHE"
	stays "$other" "another mount namespace does not judge at all"
	sleep 1.1
	use "$scratch/main.img"
	gone "$other" "this one does"
	umount "$scratch/disk"
else
	echo "# mounts: not looked at: needs root"
fi

if [ "$(id -u)" = 0 ] && setpriv --reuid=1234 --regid=1234 --clear-groups true 2>/dev/null; then
	chmod 1777 "$scratch/run"
	chmod 755 "$scratch"
	mkdir -m 777 "$scratch/home"
	cp "$RAWCACHE" "$scratch/home/"
	as_user() { setpriv --reuid=1234 --regid=1234 --clear-groups "$@"; }
	as_user "$scratch/home/rawcache" format --size 16M "$scratch/home/user.img" >/dev/null
	as_user "$scratch/home/rawcache" stat --cache "$scratch/home/user.img" >/dev/null
	other=$(segment "$scratch/home/user.img")
	rm "$scratch/home/user.img"
	sleep 1.1
	use "$scratch/main.img"
	stays "$other" "another user's segment"
	as_user "$scratch/home/rawcache" format --size 16M "$scratch/home/user.img" >/dev/null
	gone "$other" "which goes when that user makes an image"
else
	echo "# other users: not looked at: needs root and setpriv"
fi

device=$([ "$(id -u)" = 0 ] && truncate -s 16M "$scratch/disk.raw" &&
	losetup --find --show "$scratch/disk.raw" 2>/dev/null)
if [ "$device" ]; then
	"$RAWCACHE" format --yes "$device" >/dev/null
	use "$device"
	other=$(segment "$device")
	dd if=/dev/zero of="$device" bs=1M count=1 status=none
	sleep 1.1
	use "$scratch/main.img"
	stays "$other" "the segment of a block device"
	losetup -d "$device"
fi

done_testing
