#!/bin/bash
# SPDX-License-Identifier: MIT
# A frozen tree: its record answers what the origin answered, and no request is made.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/frozen.inc"
tests=$TOP_SRCDIR/tests/shim

python3 "$tests/frozen_calls.py" "$CACHED_PATH" "$scratch/copy" >"$scratch/kernel" 2>&1
freeze
is "$(sed -n 's/^.* is frozen: \([0-9]* names\),.*/\1/p' "$scratch/frozen")" "418 names" "a tree is frozen"
frozen python3 "$tests/frozen_calls.py" "$CACHED_PATH" "$scratch/copy" >"$scratch/answers" 2>&1
check "all calls answer as the kernel does" diff "$scratch/kernel" "$scratch/answers"
at_least "$(wc -l <"$scratch/kernel")" 1500 "and they were many"
at_least "$(counter frozen_names)" 1000 "from the record"
at_least "$(counter opens_frozen)" 50 "files, too"
at_least "$(counter frozen_lists)" 20 "and listings"
is "$(counter frozen_wrong)" 0 "nothing was found to be another"

remount
frozen python3 "$tests/frozen_walk.py" "$CACHED_PATH"
requests=$(sed -n '/^\(lookup\|getattr\|open\|read\|readdir\|readlink\) [1-9]/p' "$CACHED_PATH/.origin/stats" |
	grep -v '^\(lookup\|open\|read\|getattr\) [0-9]$')
is "$requests" "" "a run after the mount was made anew asks the origin nothing"

# positions, when another thread does what makes stand-ins real files
for how in look fork; do
	check "each byte is read once, $how" frozen timeout 100 "$TOP_BUILDDIR/tests/shim/shim_frozen" "$how" \
		"$CACHED_PATH/pieces"
done
done_testing
