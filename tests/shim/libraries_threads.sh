#!/bin/bash
# SPDX-License-Identifier: MIT
# Libraries while threads are at work: one forks, or closes a library, while others look at some.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/libraries.inc"

libraries_warm

# --- a thread forks while others look up symbols
check "a program that forks" ${CC:-cc} -D_GNU_SOURCE -O1 -pthread -o "$scratch/forks" \
	"$TOP_SRCDIR/tests/shim/library_forks.c" -ldl
check "its children find the loader's lock free" \
	cached timeout 300 "$scratch/forks" "$scratch/mnt/lib.so" "$scratch/mnt/text"

# --- a thread closes one while another looks at the next, which takes long
check "a program that closes" ${CC:-cc} -D_GNU_SOURCE -O1 -pthread -o "$scratch/closes" \
	"$TOP_SRCDIR/tests/shim/library_closes.c" -ldl
cp "$scratch/store/lib.so" "$scratch/store/next.so"
touch -d '1 hour ago' "$scratch/store/next.so"
origin_control "$scratch/mnt" "meta-latency 250"
for _ in 1 2 3; do
	check "has the place of what it closed" cached timeout 60 "$scratch/closes" "$scratch/mnt/text" \
		"$scratch/mnt/lib.so" "$scratch/mnt/next.so"
done
origin_control "$scratch/mnt" "meta-latency 0"
rm "$scratch/store/next.so"
done_testing
