#!/bin/bash
# SPDX-License-Identifier: MIT
# A file is read while a call writes to it that takes longer than RAWCACHE_SETTLE: its source is a mapping of a slow
# file. The times are those of its beginning then, and its bytes come later.
. "$(dirname "$0")/../lib.sh"
need_origin
need python3 cmp
case $(stat -f -c %T "$scratch") in
ext2/ext3 | xfs) ;;
*) skip_all "the file system does not tell of a write that is under way" ;;
esac
mkdir -p "$scratch/local" "$scratch/back"
head -c 512K /dev/urandom >"$scratch/back/source"
head -c 512K /dev/urandom >"$scratch/local/file"
origin_mount "$scratch/back" "$scratch/slow" --latency=15 || skip_all "the origin cannot be mounted"
CACHED_PATH=$scratch/local
IMAGE=$scratch/cache.img
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_SETTLE=0.1
file=$scratch/local/file

# page for page: 128 reads of the slow file, two seconds
python3 "$TOP_SRCDIR/tests/faults/writing_slowly.py" "$scratch/slow/source" "$file" &
writer=$!
reads=0
while kill -0 $writer 2>/dev/null; do
	cached cat "$file" >/dev/null
	reads=$((reads + 1))
	sleep 0.2
done
wait $writer
ok $? "a file was written by one call"
at_least $reads 1 "and read meanwhile"
check "the call wrote all" cmp "$scratch/back/source" "$file"
cached cat "$file" >"$scratch/got"
check "what was read while it was at work does not come back" cmp "$scratch/got" "$file"
sleep 0.3
cached cat "$file" >"$scratch/got"
check "nor later" cmp "$scratch/got" "$file"
mark counter hit_bytes
cached cat "$file" >"$scratch/got"
check "it is the file" cmp "$scratch/got" "$file"
at_least "$(since)" 500000 "and out of the cache, now that nobody writes"

# the question opens the file once more: what a program has locked stays locked when that is closed
for way in read write lockf executed; do
	check "a file that is locked ($way) stays so when it is opened again" \
		cached python3 "$TOP_SRCDIR/tests/faults/writing_locks.py" "$file" "$way"
done
done_testing
