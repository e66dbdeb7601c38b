#!/bin/bash
# SPDX-License-Identifier: MIT
# Machines whose files have the same names, sizes and times and other bytes: the difference is found, and nobody gets
# another machine's bytes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
size=$((8 << 20))
tier_file $size
tier_file $size "$scratch/other"
age "$back"
touch -r "$back/file" "$scratch/other/file"
tier_key

tier_start one two three

# the first machine fills the tier
node 1
same file "the first node"

# a data set of the same name whose files differ
node 4 "$scratch/other"
WANTED=$scratch/other same file "a node with other files of the same names"
# an answer that comes late on a busy machine is not compared: the next one is
for _ in $(seq 20); do
	[ "$(counter tier_differs)" -eq 0 ] || break
	"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
	tiered cmp "$CACHED_PATH/file" "$scratch/other/file"
done
at_least "$(counter tier_differs)" 1 "the difference is found"
is "$(counter tier_hits)" 0 "and nothing of the tier is used"
gets=$(counter tier_gets)
"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
WANTED=$scratch/other same file "another process of that node"
is "$(counter tier_gets)" "$gets" "it does not ask"
check "the log says which data set" grep -q "data is not shared any more" "$scratch/log"

# a machine with other files finds some chunks missing: what it reads is nobody else's
memcached_start four -m 64
servers=127.0.0.1:$four_port
node 1
tiered head -c 600000 "$CACHED_PATH/file" | cmp -n 600000 - "$back/file"
ok $? "a node reads the beginning of a file"
node 4 "$scratch/other"
WANTED=$scratch/other same file "a node with other bytes reads all of it"
node 2
same file "a third node"
done_testing
