#!/bin/bash
# SPDX-License-Identifier: MIT
# A library that is replaced: who has it goes on, and who comes has the new one.
. "$(dirname "$0")/../lib.sh"
need python3
. "$(dirname "$0")/libraries.inc"

libraries_warm
head -c 3000017 /dev/urandom >"$scratch/data2"
mkfifo "$scratch/to" "$scratch/from"
cached python3 -S "$TOP_SRCDIR/tests/shim/library_hold.py" "$scratch/mnt/lib.so" "$scratch/data" \
	<"$scratch/to" >"$scratch/from" &
pids="$pids $!"
exec 8>"$scratch/to" 9<"$scratch/from"
echo >&8
read -r -t 60 same <&9
is "$same" 1 "a process has the library"
mv "$scratch/store/lib.so" "$scratch/store/old.so"
data=data2 made lib.so
age "$scratch/store"
tap "replaced" cached "$program" told "$scratch/mnt/lib.so" "$scratch/data2"
tap "and again" cached "$program" told "$scratch/mnt/lib.so" "$scratch/data2"
rm "$scratch/store/old.so"
"$RAWCACHE" drop --cache "$IMAGE" --all >/dev/null 2>&1
head -c 90000000 /dev/urandom >"$scratch/store/large"
age "$scratch/store"
cached cat "$scratch/mnt/large" >/dev/null
cached cat "$scratch/mnt/large" >/dev/null
echo >&8
read -r -t 60 same <&9
is "$same" 1 "the process still has the old one, whatever became of the image"
exec 8>&- 9<&-
wait "${pids##* }"
done_testing
