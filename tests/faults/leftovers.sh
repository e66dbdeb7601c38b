#!/bin/bash
# SPDX-License-Identifier: MIT
# Segments of images that are gone go from the runtime directory.
# shellcheck source=tests/faults/leftovers.inc
. "$(dirname "$0")/leftovers.inc"

# batch jobs: each with an image of its own, in a directory of its own
sleep 1.1
for job in 1 2 3 4 5; do
	made "$scratch/job$job/cache.img" >/dev/null
	rm -r "$scratch/job$job"
done
at_most "$(find "$scratch/run" -name 'rawcache-*' | wc -l)" 1 "jobs that delete their images leave one segment"
main=$(made "$scratch/main.img")
is "$(find "$scratch/run" -name 'rawcache-*')" "$main" "which goes when another image is used"

other=$(made "$scratch/other.img")
rm "$scratch/other.img"
swept
gone "$other" "it goes where an image with a segment is used"
stays "$main" "whose own stays"

other=$(made "$scratch/other.img")
rm "$scratch/other.img"
"$RAWCACHE" format --size 16M "$scratch/other.img" >/dev/null
gone "$other" "it goes when an image is made"

other=$(made "$scratch/other.img")
"$RAWCACHE" format --force --size 16M "$scratch/other.img" >/dev/null
gone "$other" "format --force takes the old one along"

for kind in mkdir mkfifo; do
	other=$(made "$scratch/other.img")
	rm "$scratch/other.img"
	$kind "$scratch/other.img"
	swept
	gone "$other" "it goes where its image's place was taken by $kind"
	rm -r "$scratch/other.img"
done

other=$(made "$scratch/other.img")
dd if=/dev/zero of="$scratch/other.img" bs=4096 count=2 conv=notrunc status=none
"$RAWCACHE" format --force --size 16M "$scratch/other.img" >/dev/null
gone "$other" "also that of an image that cannot be read any more"

other=$(made "$scratch/other.img")
mv "$scratch/other.img" "$scratch/moved.img"
use "$scratch/main.img"
swept
use "$scratch/moved.img"
stays "$(segment "$scratch/moved.img")" "an image that was moved has one when it is used again"
done_testing
