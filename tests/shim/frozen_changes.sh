#!/bin/bash
# SPDX-License-Identifier: MIT
# Changes of a frozen tree: those of programs below the cache end what its record says, and those that nobody told do so
# when somebody finds them.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/frozen.inc"
tests=$TOP_SRCDIR/tests/shim

freeze
check "changes are seen at once, by all processes" frozen timeout 120 python3 "$tests/frozen_changes.py" "$CACHED_PATH"
at_least "$(counter frozen_touched)" 20 "they end what the record says of the files"

# changes that nobody told
freeze
sleep 2.2
echo "other bytes" >"$back/a/b"
sleep 1.2 # so long the kernel believes what it knows of the file
is "$(frozen cat "$CACHED_PATH/a/b")" "some bytes" "a frozen tree is the version that was recorded"
is "$(frozen python3 "$tests/frozen_locked.py" "$CACHED_PATH/a/b" | tr '\n' ' ')" "some bytes 11 other bytes " \
	"what turns out to be another file thaws the tree, and what is open stays as it was"
is "$(counter frozen_wrong)" 1 "that is counted"
is "$(frozen cat "$CACHED_PATH/a/b")" "other bytes" "and holds for all"
done_testing
