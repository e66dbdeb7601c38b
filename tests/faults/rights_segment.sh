#!/bin/bash
# SPDX-License-Identifier: MIT
# A runtime segment that a user put in the place of root's is not used, and no symbolic link is followed.
# shellcheck source=tests/faults/rights.inc
. "$(dirname "$0")/rights.inc"

root_image
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
done_testing
