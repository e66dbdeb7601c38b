#!/bin/bash
# SPDX-License-Identifier: MIT
# Somebody spoils the image under a program that runs: it is cut, removed, replaced, or its bits flip.
# shellcheck source=tests/faults/media.inc
. "$(dirname "$0")/media.inc"

for step in "truncate -s 0 $IMAGE" "truncate -s 3M $IMAGE" \
	"rm $IMAGE" "rm $IMAGE; $RAWCACHE format --size 64M $IMAGE" "mv $IMAGE $scratch/moved"; do
	image_full
	check "under a program: ${step//$scratch\//}" work "$step"
done
image_full
check "it cannot be made anew while it is used" work "! $RAWCACHE format --force --size 64M $IMAGE"

image_full
flip="python3 -c \"
import random
f = open('$IMAGE', 'r+b')
f.seek(2 << 20)
b = bytearray(f.read(8 << 20))
for page in range(0, len(b), 4096):
    b[page + random.randrange(4096)] ^= 1
f.seek(2 << 20)
f.write(b)\""
cp "$TOP_SRCDIR/tests/faults/media_flips.py" "$scratch/flips.py"
mark counter verify_failed
RAWCACHE_VERIFY=always check "flipped bits, with RAWCACHE_VERIFY=always" cached timeout 120 \
	python3 "$scratch/flips.py" "$CACHED_PATH" "$scratch/plain" "$flip"
at_least "$(since)" 10 "are found"
done_testing
