#!/bin/bash
# SPDX-License-Identifier: MIT
# What is open for reading and writing is served while it is only read; the first change through it, in any way, ends
# that before the bytes change: see tests/shim/shim_update.c.
. "$(dirname "$0")/../lib.sh"
need python3
need ${CC:-cc}
mkdir -p "$scratch/d"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
"$RAWCACHE" format --size 128M "$IMAGE" >/dev/null || exit 1
update=$TOP_BUILDDIR/tests/shim/shim_update
check "system calls of a library's own" ${CC:-cc} -D_GNU_SOURCE -std=gnu11 -shared -fPIC \
	-I"$TOP_SRCDIR/src" -I"$TOP_SRCDIR/include" \
	-o "$scratch/raw_calls.so" "$TOP_SRCDIR/tests/shim/raw_calls.c"
# without looks: nothing but what is announced ends a version
export RAWCACHE_SETTLE=0.02 RAWCACHE_REVALIDATE=open

# reads MODE FLAGS: bytes of the file's that came from the cache when it was read with these flags
reads() {
	before=$(counter hit_bytes)
	cached python3 "$TOP_SRCDIR/tests/shim/update_reads.py" "$scratch/d/whole" "$1"
	echo $(($(counter hit_bytes) - before))
}
head -c 1M /dev/urandom >"$scratch/d/whole"
sleep 0.1
cached cat "$scratch/d/whole" >/dev/null
is "$(reads os.O_RDONLY)" $((2 << 20)) "a file that is open for reading comes from the cache"
is "$(reads os.O_RDWR)" $((2 << 20)) "and so it does when it is open for reading and writing"
is "$(reads 'os.O_RDWR|os.O_CREAT')" $((2 << 20)) "and might have been made by that"
is "$(reads 'os.O_RDWR|os.O_APPEND')" 0 "not so for appending"

for way in $("$update" list); do
	head -c 1M /dev/zero | tr '\0' A >"$scratch/d/$way"
	sleep 0.1
	cached cat "$scratch/d/$way" >/dev/null
	before=$(counter hits)
	check "$way: the next read is of what was written" \
		cached timeout 60 "$update" "$way" "$scratch/d/$way" "$scratch/raw_calls.so"
	at_least "$(($(counter hits) - before))" 7 "$way: those before came from the cache"
	rm -f "$scratch/d/$way"
done
done_testing
