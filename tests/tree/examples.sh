#!/bin/bash
# SPDX-License-Identifier: MIT
# The programs of examples/ do what they say.
. "$(dirname "$0")/../lib.sh"
cd "$scratch" || exit 99

unset LD_PRELOAD RAWCACHE_RUNTIME_DIR
examples=$TOP_BUILDDIR/examples

check "images makes an image" "$examples/images" image make 64
"$examples/images" image make 1 >out 2>err
is "$? $(grep -c '^images: ' err)" "1 1" "and says why it does not"
head -c 300000 /dev/urandom >value
head -c 3000000 /dev/urandom >file
age . # a file that has just changed is not cached yet

check "objects stores a file" "$examples/objects" image key value
"$examples/objects" image key >out
check "and gives it back" cmp value out
"$examples/objects" image other >out 2>err
is "$? $(cat err)" "1 objects: other: No such file or directory" "an object that is not there"
"$examples/send" image key >out
check "send sends an object through a socket" cmp value out
"$examples/send" image other >out 2>err
is "$? $(tail -n 1 err)" "1 send: other: No such file or directory" "and no other"
"$examples/warm" image file >out 2>err
is "$? $(cat out err)" "0 file: 0 of 3000000 bytes were cached" "warm reads a file through the cache"
"$examples/warm" image file >out 2>err
is "$? $(cat out err)" "0 file: 3000000 of 3000000 bytes were cached" "which has it then"
"$examples/mapped" image file >out 2>err
is "$? $(cat err)" "0 3000000 of 3000000 bytes are the image's" "mapped maps it without a copy"
check "and writes its bytes" cmp file out
"$examples/images" image >out
is "$? $(tail -n 1 out)" "0 3000000 of 3000000 bytes of $scratch/file" "images lists it"
is "$(head -n 1 out | sed 's/ bytes.*//')" 67108864 "below what the image is"
is "$("$examples/images" image forget file)" "1 files, 3000000 bytes" "and lets go of it"
is "$("$examples/images" image | grep -c /file)" 0 "which is not listed then"
"$examples/statistics" image >out
check "statistics tells of them" grep -qE '^fill_bytes +[0-9]+ bytes$' out
check "and of what hits take" grep -q '^hits of ten, nine take less than' out
sed 's/^/# /' out
for example in "$TOP_SRCDIR"/examples/*.c; do
	"$examples/$(basename "$example" .c)" >out 2>err
	is "$? $(grep -c '^usage: ' err)" "2 1" "$(basename "$example" .c) says how it is called"
done
done_testing
