#!/bin/bash
# SPDX-License-Identifier: MIT
# A library that is replaced by a file of the same number, before the program's first look.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/libraries.inc"

head -c 3000017 /dev/urandom >"$scratch/data2"
mkfifo "$scratch/to" "$scratch/from"
data=data2 made lib.so
rm "$scratch/store/writes.so" "$scratch/store/textrel.so"
age "$scratch/store"
numbered() {
	check "the program is made" ${CC:-cc} -fPIC -o "$scratch/waits" \
		"$TOP_SRCDIR/tests/shim/library_waits.c" "$scratch/store/lib.so" -Wl,-rpath,"$scratch/mnt"
	LD_PRELOAD=$scratch/number.so origin_mount "$scratch/store" "$scratch/mnt" || return 1
	cached "$scratch/waits" "$scratch/data2" "$scratch/mnt/text" <"$scratch/to" >"$scratch/from" &
	pids="$pids $!"
	exec 8>"$scratch/to" 9<"$scratch/from"
	read -r -t 60 same <&9
	rm "$scratch/store/lib.so"
	made lib.so
	age "$scratch/store"
	"$RAWCACHE" warm --cache "$IMAGE" "$scratch/mnt" >/dev/null || return 1
	echo >&8
	read -r -t 60 same <&9
	is "$same" 1 "a file of the same number and place is not the library"
	exec 8>&- 9<&-
}
# shellcheck disable=SC2046
if ${CC:-cc} -shared -fPIC -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DDATA_BYTES=3000017 -o "$scratch/number.so" \
	"$TOP_SRCDIR/tests/shim/library_number.c" $(pkg-config --cflags fuse3) 2>/dev/null; then
	numbered
	ok $? "the story of the numbers was told"
fi
done_testing
