#!/bin/bash
# SPDX-License-Identifier: MIT
# What a program keeps in its page tables of a file that it reads once, in order: next to nothing. Of one that it reads
# at random, again and again: no more than RAWCACHE_RESIDENT says.
. "$(dirname "$0")/../lib.sh"
mkdir -p "$scratch/store"
head -c 100663296 /dev/urandom >"$scratch/store/large"
age "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/store
"$RAWCACHE" format --size 256M "$IMAGE" >/dev/null || exit 1
"$RAWCACHE" warm --cache "$IMAGE" "$scratch/store" >/dev/null || exit 1
passes=$TOP_SRCDIR/tests/shim/resident_passes.py
sum=$(md5sum <"$scratch/store/large")
for size in 4096 65536 131072 1048576; do
	copied=$(counter mmap_bytes)
	# shellcheck disable=SC2046
	set -- $(cached python3 "$passes" "$scratch/store/large" $size)
	# the file has 98304 kB
	at_most "$1" 49152 "read in pieces of $size bytes the file is not in memory twice"
	is "$2 $3 $4" "${sum%% *} ${sum%% *} ${sum%% *}" "and its bytes are right, in this pass and the next ones"
	at_least $(($(counter mmap_bytes) - copied)) 100663296 "the next ones copy them out of memory"
done

cp "$scratch/store/large" "$scratch/copy"
for most in 16M 64M 1G; do
	# shellcheck disable=SC2046
	set -- $(RAWCACHE_RESIDENT=$most cached python3 "$TOP_SRCDIR/tests/shim/resident_random.py" \
		"$scratch/store/large" "$scratch/copy")
	if [ $most = 1G ]; then
		at_least "$1" 90000 "read at random, with room, all of the file is in the page tables"
	else
		at_most "$1" $((${most%M} * 1024 + 8192)) "with RAWCACHE_RESIDENT=$most no more than that"
	fi
	is "$2" 0 "and each byte is right"
done
at_least "$(counter hits)" 30000 "(from the cache)"
done_testing
