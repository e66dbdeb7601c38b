#!/bin/bash
# SPDX-License-Identifier: MIT
# A record of a frozen tree that is spoiled, or that others could write, is none: the origin is asked.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/frozen.inc"

freeze
cp "$(record)" "$scratch/good"
printf 'xxxxxxxxxxxxxxxx' | dd of="$(record)" bs=1 seek=100 conv=notrunc 2>/dev/null
is "$(below cat "$CACHED_PATH/a/b")" "some bytes" "a record that is damaged is not believed"
cp "$scratch/good" "$(record)"
size=$(stat -c %s "$(record)")
at=$(grep -abo 'some bytes' "$(record)" | head -1 | cut -d: -f1)
printf 'SOME' | dd of="$(record)" bs=1 seek="$at" conv=notrunc 2>/dev/null
is "$(below cat "$CACHED_PATH/a/b")" "some bytes" "nor bytes whose checksum is wrong"
truncate -s $((size / 2)) "$(record)"
is "$(below cat "$CACHED_PATH/a/b")" "some bytes" "nor one that is cut short"
freeze
chmod 666 "$(record)"
echo fifth >"$back/a/b"
sleep 1.2 # so long the kernel believes what it knows of the file
is "$(below cat "$CACHED_PATH/a/b")" fifth "a record that others could write is not used"
done_testing
