#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache format: what it refuses, and what it makes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

dd if=/dev/urandom of=garbage bs=1M count=12 2>/dev/null
refused "format --size 1M" 2 "too few" "$RAWCACHE" format --size 1M new
refused "format --size x" 2 "not a size" "$RAWCACHE" format --size x new
refused "format --region 3M" 2 "power of two" "$RAWCACHE" format --size 64M --region 3M new
refused "format --region 8G" 2 "too large" "$RAWCACHE" format --size 64M --region 8G new
refused "format --region for too few regions" 2 "16 regions" "$RAWCACHE" format --size 64M --region 64M new
refused "format --chunk 1K" 2 "power of two" "$RAWCACHE" format --size 64M --chunk 1K new
refused "format --object 1" 2 "object size" "$RAWCACHE" format --size 64M --object 1 new
for option in --size --region --chunk --object; do
	refused "format $option 0" 2 "$option 0 is too small" "$RAWCACHE" format --size 64M $option 0 new
done
refused "format without a name" 2 "no image named" "$RAWCACHE" format
refused "format with two names" 2 "one image" "$RAWCACHE" format new newer
refused "format in a missing directory" 1 "nowhere" "$RAWCACHE" format nowhere/new
refused "format of a directory" 1 "directory" "$RAWCACHE" format --size 16M data
refused "format of a device that stores nothing" 1 "neither a regular file" "$RAWCACHE" format /dev/null
[ ! -e new ]
ok $? "no attempt left a file"
ln -s target dangling
refused "format through a dangling link" 1 "opened\|link" "$RAWCACHE" format --size 16M dangling
[ ! -e target ]
ok $? "makes nothing behind it"
refused "format of garbage" 1 "use --force" "$RAWCACHE" format garbage
refused "format of what begins with zeros only" 1 "use --force" \
	sh -c 'truncate -s 12M late && printf x | dd of=late bs=1 seek=12582911 conv=notrunc 2>/dev/null
		exec "$0" format late' "$RAWCACHE"
works "format of a file of zeros needs no --force" 0 "^size *12M" \
	sh -c 'truncate -s 12M blank && exec "$0" format blank' "$RAWCACHE"
works "format --force of garbage" 0 "^page detaching" "$RAWCACHE" format --force garbage
works "which is an image now" 0 "^size *12M" "$RAWCACHE" info --cache garbage
refused "format of an image" 1 "say --yes" "$RAWCACHE" format garbage
works "format --yes of an image" 0 "^sendfile" "$RAWCACHE" format --yes --size 16M garbage
works "takes the new size" 0 "^size *16M" "$RAWCACHE" info --cache garbage
done_testing
