#!/bin/bash
# SPDX-License-Identifier: MIT
# Files that helpers open before the program does: it cannot tell, and few are opened in vain.
. "$(dirname "$0")/../lib.sh"
need_origin
need python3
mkdir -p "$back"/d{0..9}
for f in $(seq 0 599); do echo "file $f" >"$back/d$((f % 10))/f$f"; done
origin --meta-latency=1
image
export RAWCACHE_OPENAHEAD=1
scan=$TOP_SRCDIR/tests/shim/openahead_scan.py

# the same tree for both: names in messages are the same
native_scan() {
	timeout 250 python3 "$scan" "$CACHED_PATH/scan"
	rm -rf "$CACHED_PATH/scan"
}
check "a program opens files in all orders" native_scan
cp "$scratch/check.log" "$scratch/native"
check "and does so below the cache" cached timeout 250 python3 "$scan" "$CACHED_PATH/scan"
cp "$scratch/check.log" "$scratch/ahead"
rm -rf "$CACHED_PATH/scan"
check "what it sees is the same" diff "$scratch/native" "$scratch/ahead"
at_least "$(wc -l <"$scratch/native")" 3000 "and it sees much"
at_least "$(counter opens_ahead)" 500 "files were opened ahead of it"
at_least "$(counter opens_ahead_unused)" 10 "also those that were changed then"

# held: files that are open at the origin
held() {
	echo $(($(origin_stat "$CACHED_PATH" open) - $(origin_stat "$CACHED_PATH" release)))
}
held_is() {
	[ "$(held)" -eq "$1" ]
}
cached grep -r file "$CACHED_PATH/d0" >/dev/null
image
origin --meta-latency=1
origin_control "$CACHED_PATH" reset
cached grep -rh file "$CACHED_PATH"/d{0..9} | sort >"$scratch/grep"
check "grep -r finds all" cmp "$scratch/grep" <(cat "$back"/d{0..9}/* | sort)
# on a busy machine some wait for longer than half a second, and are opened again
is $(($(origin_stat "$CACHED_PATH" open) - $(counter opens_ahead_unused))) 600 "each file is opened once at the origin"
check "and closed" wait_until held_is 0
at_least "$(counter opens_ahead)" 300 "most of them ahead"
at_most "$(counter opens_ahead_unused)" 30 "few in vain"

mark counter opens_ahead
RAWCACHE_OPENAHEAD=0 cached grep -r file "$CACHED_PATH" >/dev/null
is "$(since)" 0 "RAWCACHE_OPENAHEAD=0: none"

# the program stops in the middle, and waits
cached python3 "$TOP_SRCDIR/tests/shim/openahead_stops.py" "$CACHED_PATH" >"$scratch/idle"
is "$(cat "$scratch/idle")" "held True
idle 0
fork 0" "a program that does something else holds no file, and none while it forks"

# in no order
mark counter opens_ahead_unused
cached python3 "$TOP_SRCDIR/tests/shim/openahead_mixed.py" "$CACHED_PATH"
at_most "$(since)" 60 "a program that opens files in no order is left alone"

# a part of each directory
mark counter opens_ahead_unused
cached python3 "$TOP_SRCDIR/tests/shim/openahead_part.py" "$CACHED_PATH"
at_most "$(since)" 60 "one that opens a part of each directory costs a tenth more at most"

mkdir "$back/storm"
check "files that come, go and change while they are opened are the right ones" \
	cached timeout 300 "$TOP_BUILDDIR/tests/shim/shim_ahead_storm" "$CACHED_PATH/storm" "$scratch/state" \
	"${TEST_STORM_SECONDS:-15}"
done_testing
