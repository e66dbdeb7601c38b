#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks that are full, or that cannot be written.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image
"$RAWCACHE" format --size 16M garbage >/dev/null
if mkdir small && mount -t tmpfs -o size=24m,mode=700 rawcache-test small 2>/dev/null; then
	mounts="$mounts $work/small"
	refused "format on a full disk" 1 "no room" "$RAWCACHE" format --size 32M small/img
	refused "run on a full disk" 1 "no room" "$RAWCACHE" run -p data --size 32M --cache small/img true
	[ -z "$(ls -A small)" ]
	ok $? "leaves nothing there"
	mount -o remount,ro small
	refused "format on a file system mounted read-only" 1 "mounted read-only; name an image elsewhere" \
		"$RAWCACHE" format small/img
	refused "run on a file system mounted read-only" 1 "ead-only file system" \
		"$RAWCACHE" run -p data --cache small/img true
	mount -o remount,rw small
	dd if=/dev/zero of=small/fill bs=1M count=10 2>/dev/null
	refused "too little space for the default size" 1 "too little for an image" \
		"$RAWCACHE" run -p data --cache small/img true
	dd if=/dev/zero of=small/fill bs=1M 2>/dev/null
	refused "a full runtime directory" 1 "RAWCACHE_RUNTIME_DIR" \
		env RAWCACHE_RUNTIME_DIR="$work/small" "$RAWCACHE" stat --cache garbage
	refused "a program with a full runtime directory" 1 "RAWCACHE_RUNTIME_DIR" \
		env RAWCACHE_RUNTIME_DIR="$work/small" "$RAWCACHE" run -p data --cache garbage true
else
	skip "full disks" "cannot mount a tmpfs"
fi
if [ -w /dev/full ]; then
	for command in 'stat' 'stat --json' 'info' 'help' 'stat --list'; do
		# shellcheck disable=SC2086
		"$RAWCACHE" $command >/dev/full 2>err
		[ $? = 1 ] && grep -q "cannot write the output" err
		ok $? "output to a full disk: $command"
	done
fi
cp "$image" before
"$RAWCACHE" stat --json >&- 2>/dev/null
[ $? = 1 ]
ok $? "output to a closed descriptor"
"$RAWCACHE" format --size 1M "$work/before" >&- 2>&-
cmp -s before "$image"
ok $? "nothing is written into an image by mistake"
done_testing
