#!/bin/bash
# SPDX-License-Identifier: MIT
# The slow origin fails as it is told to: with errors, short reads, stalls and answers that are held back.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/check.inc"

mount_origin
tell "fail read EIO 1 dir" "fail open ESTALE 0 other"
read_direct mnt/big && ! read_direct mnt/dir/file && read_direct mnt/dir/file
ok $? "a read below the prefix fails, once"
is "$(LC_ALL=C cat mnt/other 2>&1)" "cat: mnt/other: Stale file handle" "an open fails by name"
tell clear
is "$(cat mnt/other)" other "until cleared"
tell "fail read EIO 0@64K-128K big"
read_direct mnt/big && ! dd if=mnt/big of=/dev/null bs=64K count=1 skip=1 iflag=direct 2>/dev/null &&
	dd if=mnt/big of=/dev/null bs=64K count=1 skip=2 iflag=direct 2>/dev/null
ok $? "reads of a range of bytes fail"
is "$(grep fail mnt/.origin/control)" "fail read EIO 0@65536-131072 /big" "and it is told"
sh -c 'echo "fail open EIO 0@0-1" >mnt/.origin/control' 2>/dev/null
is $? 1 "an open has no bytes"
tell clear
tell "short read 100" && is "$(dd if=mnt/big bs=4K count=1 iflag=direct 2>/dev/null | wc -c)" 100 "short"

tell clear "stall read dir"
read_direct mnt/dir/file &
pid=$!
wait_for stalled 1 && read_direct mnt/big
ok $? "a read stalls, others do not"
tell clear
wait $pid
ok $? "and goes on when cleared"
tell "stall read"
dd if=mnt/big of=/dev/null iflag=direct 2>/dev/null &
pid=$!
wait_for stalled 1
kill -9 $pid
wait $pid 2>/dev/null
wait_for stalled 0
ok $? "a stalled reader can be killed"
tell "hold getattr dir"
stat --cached=never -c %Y mnt/dir >held &
pid=$!
wait_for stalled 1 && touch -d @1000 back/dir && tell clear && wait $pid
[ "$(cat held)" != 1000 ] && [ "$(stat -c %Y back/dir)" = 1000 ]
ok $? "an answer that is held back tells what was"
tell "stall open"
touch mnt/new &
pid=$!
wait_for stalled 1 && tell clear && wait $pid
ok $? "the control file works while the root directory is locked"
done_testing
