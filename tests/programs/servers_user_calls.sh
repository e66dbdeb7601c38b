#!/bin/bash
# SPDX-License-Identifier: MIT
# The calls by which servers that root starts become another user, by libc and past it: the image stays theirs.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/servers_user.inc"
need python3
[ "$(uname -m)" = x86_64 ] || skip_all "it makes system calls of x86_64"

IMAGE=$scratch/python.img
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null
cp "$TOP_SRCDIR/tests/programs/servers_user_drop.py" "$scratch/drop.py"
want=$(stat -c %s "$scratch/d/file20")
sum=$(md5sum <"$scratch/d/file20" | cut -d' ' -f1)
for how in setuid setresuid setreuid seteuid syscall fork chroot; do
	before=$(counter hit_bytes)
	for round in 1 2; do
		got=$(cached python3 "$scratch/drop.py" $how "$scratch/d/file20" "$sum" 2>&1)
		case $got in "$want right") status=0 ;; *) status=1; echo "# $got" ;; esac
		ok $status "$how: right bytes, round $round"
	done
	[ $how = chroot ] || at_least "$(($(counter hit_bytes) - before))" "$want" "$how: from the cache"
done
before=$(counter hit_bytes)
RAWCACHE_EARLY=0 cached python3 "$scratch/drop.py" setuid "$scratch/d/file20" "$sum" >/dev/null
is "$(($(counter hit_bytes) - before))" 0 "RAWCACHE_EARLY=0: who gave up the right to the image has none of it"
done_testing
