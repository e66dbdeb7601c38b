#!/bin/bash
# SPDX-License-Identifier: MIT
# Whose image and segment a program believes, root's programs included.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need setpriv
[ "$(id -u)" = 0 ] || skip_all "needs root"
as_user() { setpriv --reuid="$1" --regid="$1" --clear-groups -- "${@:2}"; }
as_user 1234 true 2>/dev/null || skip_all "cannot become another user here"

export RAWCACHE_SETTLE=0
umask 022
chmod 755 "$scratch"
mkdir "$scratch/d" && mkdir -m 1777 "$scratch/run" "$scratch/open"
export RAWCACHE_RUNTIME_DIR=$scratch/run
yes "honest bytes...." | head -c 700000 >"$scratch/d/f"
cp "$RAWCACHE" "$RAWCACHE_PRELOAD" "$scratch/open" # the tree may be in a place that others do not reach
sleep 0.1
wanted=$(md5sum <"$scratch/d/f")

# preloaded IMAGE: the file as a program sees it for which the image is set, whatever `run` thinks of that
preloaded() {
	LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$scratch/d RAWCACHE_DEVICE=$1 \
		RAWCACHE_LOG=$scratch/log md5sum <"$scratch/d/f"
}

# image_of USER NAME MODE: an image that USER made, and filled with what it may read
image_of() {
	as_user "$1" env RAWCACHE_RUNTIME_DIR="$scratch/run" "$scratch/open/rawcache" format \
		--size 16M "$scratch/open/$2" >/dev/null
	chmod "$3" "$scratch/open/$2"
}

# distrusted IMAGE NAME: not a byte goes into the image, nor comes out of it
distrusted() {
	cp "$1" "$scratch/before"
	rm -f "$scratch/log"
	is "$(preloaded "$1") $(preloaded "$1")" "$wanted $wanted" "$2: the origin is read"
	cmp -s "$1" "$scratch/before"
	ok $? "$2: nothing is written to it"
	grep -q "image_refused" "$scratch/log"
	ok $? "$2: the log tells"
}

image_of 1234 user.img 600
distrusted "$scratch/open/user.img" "root with a user's image"
ln -s user.img "$scratch/open/link.img"
distrusted "$scratch/open/link.img" "root with a link of his own to it"
chown root:1234 "$scratch/open/user.img"
chmod 660 "$scratch/open/user.img"
distrusted "$scratch/open/user.img" "root with an image that a user's group may write"
chmod 602 "$scratch/open/user.img"
distrusted "$scratch/open/user.img" "root with an image that all may write"
chown 1234:1234 "$scratch/open/user.img"
chmod 1666 "$scratch/open/user.img"
distrusted "$scratch/open/user.img" "root with an image that a user shares"
chmod 600 "$scratch/open/user.img"
is "$("$RAWCACHE" run --path "$scratch/d" --cache "$scratch/open/user.img" md5sum 2>"$scratch/err" <"$scratch/d/f")" \
	"$wanted" "rawcache run: the program runs"
grep -q "another user.*without the cache" "$scratch/err"
ok $? "and it is said that it does so without the cache"
RAWCACHE_SHARED=1 preloaded "$scratch/open/user.img" >/dev/null
cmp -s "$scratch/open/user.img" "$scratch/before"
is $? 1 "RAWCACHE_SHARED=1: root trusts the user"

# a device's node: the disk group is root, a user's group is not
"$RAWCACHE" format --size 16M "$scratch/disk" >/dev/null
device=$(losetup --find --show "$scratch/disk" 2>/dev/null)
if [ "$device" ]; then
	node=$scratch/open/node
	for case in "root 6 660 0" "root 1234 660 1" "root 1234 640 0" "1234 6 600 1" "root 6 662 1"; do
		read -r owner group mode refused <<<"$case"
		rm -f "$node"
		: >"$scratch/log"
		mknod -m "$mode" "$node" b "$((0x$(stat -c %t "$device")))" "$((0x$(stat -c %T "$device")))"
		chown "$owner:$group" "$node"
		is "$(preloaded "$node")" "$wanted" "a device, $owner:$group $mode: right bytes"
		is "$(grep -c image_refused "$scratch/log")" "$refused" "and refused: $refused"
	done
	losetup -d "$device"
else
	echo "# device nodes: no loop device is to be had"
fi

# the segment: what a user put there is not root's
"$RAWCACHE" format --size 16M "$scratch/root.img" >/dev/null
preloaded "$scratch/root.img" >/dev/null
segment=$scratch/run/rawcache-$("$RAWCACHE" info --json --cache "$scratch/root.img" |
	sed -n 's/.*"uuid": *"\([^"]*\)".*/\1/p')
[ -e "$segment" ]
ok $? "there is a segment"
for case in "1234:1234 600" "0:0 666" "0:1234 620"; do
	cp --preserve=mode "$segment" "$segment.forged"
	mv "$segment.forged" "$segment"
	chown "${case% *}" "$segment"
	chmod "${case#* }" "$segment"
	is "$(preloaded "$scratch/root.img")" "$wanted" "a segment of $case: right bytes"
	is "$(stat -c '%u:%g %a' "$segment")" "0:0 600" "another was made in its place"
done
rm "$segment"
ln -s "$scratch/open/target" "$segment"
is "$(preloaded "$scratch/root.img")" "$wanted" "a symbolic link in its place: right bytes"
[ ! -e "$scratch/open/target" ]
ok $? "it is not followed"

# a user: root's image may be read, another user's may not be believed
chmod 644 "$scratch/root.img"
RAWCACHE_PRELOAD=$scratch/open/${RAWCACHE_PRELOAD##*/}
as_user_reads() {
	rm -f "$scratch/log" && : >"$scratch/log" && chmod 666 "$scratch/log"
	is "$(setpriv --reuid=4321 --regid=4321 --clear-groups env LD_PRELOAD="$RAWCACHE_PRELOAD" \
		RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$1" RAWCACHE_LOG="$scratch/log" \
		md5sum <"$scratch/d/f")" "$wanted" "a user with $2: right bytes"
	is "$(grep -c image_refused "$scratch/log")" "$3" "and refused: $3"
}
as_user_reads "$scratch/root.img" "root's image" 0
chmod 644 "$scratch/open/user.img"
as_user_reads "$scratch/open/user.img" "another user's image" 1

# a user namespace: owners and users that have no id there all look like 65534
nameless() {
	rm -f "$scratch/log" && : >"$scratch/log" && chmod 666 "$scratch/log"
	is "$(LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$scratch/d RAWCACHE_DEVICE=$1 \
		RAWCACHE_LOG=$scratch/log "${@:4}" md5sum <"$scratch/d/f")" "$wanted" "$2: right bytes"
	is "$(grep -c image_refused "$scratch/log")" "$3" "and refused: $3"
}
if unshare -U true 2>/dev/null; then
	nameless "$scratch/open/user.img" "another user's image in a user namespace" 1 unshare -U
	nameless "$scratch/open/user.img" "and with that id mapped" 1 \
		setpriv --reuid=4321 --regid=4321 --clear-groups unshare -U --map-user=65534
	nameless "$scratch/root.img" "one's own there" 0 unshare -U
else
	echo "# no user namespaces here"
fi

done_testing
