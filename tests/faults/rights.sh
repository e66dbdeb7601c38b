#!/bin/bash
# SPDX-License-Identifier: MIT
# Whose image root's programs believe: none that a user may write, unless it is said that they shall.
# shellcheck source=tests/faults/rights.inc
. "$(dirname "$0")/rights.inc"

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
done_testing
