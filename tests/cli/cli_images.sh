#!/bin/bash
# SPDX-License-Identifier: MIT
# Images that are damaged, cut short, or none at all: each command refuses them, and says what to do.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

# patch FILE OFFSET OCTAL
patch() {
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# everywhere NAME PATTERN IMAGE: each command refuses the image
everywhere() {
	for command in info stat verify 'drop --yes' 'run --path data'; do
		tail=
		[ "${command%% *}" != run ] || tail=true
		# shellcheck disable=SC2086
		refused "$1: ${command%% *}" 1 "$2" "$RAWCACHE" $command --cache "$3" $tail
	done
}

rm -rf cache && run true 2>/dev/null
dd if=/dev/urandom of=garbage bs=1M count=12 2>/dev/null
everywhere "what never was an image is not to be destroyed" "not an image of rawcache; name an image with --cache$" \
	garbage
echo "the only copy" >thesis
everywhere "not even if it is short" "too short for an image of rawcache; name an image with --cache$" thesis
: >empty
everywhere "an empty file" "too short.*; name an image with --cache$" empty
lost="name another image with --cache, or .*format --force., which destroys what is there$"
cp "$image" short && truncate -s 20M short
everywhere "a truncated image" "truncated; $lost" short
truncate -s 5000 short
everywhere "an image cut in its second superblock" "$lost" short
cp "$image" headless && dd if=/dev/urandom of=headless bs=4096 count=1 conv=notrunc 2>/dev/null
patch headless 4160 '\377'
everywhere "an image whose first superblock is gone, and the other one damaged" "damaged; $lost" headless
cp "$image" newer && patch newer 8 '\377' && patch newer 4104 '\377'
everywhere "an image of a newer version" "newer version.*; use that version, $lost" newer
refused "which is not overwritten without being forced" 1 "newer version.*--force" "$RAWCACHE" format newer
refused "nor with --yes" 1 "newer version.*--force" "$RAWCACHE" format --yes newer
works "but with --force" 0 "^uuid" "$RAWCACHE" format --force newer
cp "$image" damaged && patch damaged 64 '\377' && patch damaged 4160 '\377'
everywhere "both superblocks damaged" "damaged; $lost" damaged
cp "$image" half && patch half 64 '\377'
works "one superblock damaged" 0 "^uuid" "$RAWCACHE" info --cache half
everywhere "a directory" "neither a regular file" data
everywhere "a character device" "neither a regular file" /dev/null
mkfifo fifo
everywhere "a FIFO" "neither a regular file" fifo
done_testing
