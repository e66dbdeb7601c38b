#!/bin/bash
# SPDX-License-Identifier: MIT
# rclone 1.60.1, mount: stat tells the old version while the next open() reads the new bytes; a file that has
# grown behind the mount cannot be read at all.
#
# A directory's entries are kept for five minutes. A forced look (statx with AT_STATX_FORCE_SYNC) is answered
# from them. The bytes of the next open() are the server's, and the mtime follows only after they were read.
# So attributes that were asked for just before a read do not tell which version the read returns. When the
# size at the server differs, the mount still tells the old size, and read() fails with EIO.
set -eu
work=$(mktemp -d)
trap 'fusermount3 -u "$work/mount" 2>/dev/null || fusermount -u "$work/mount" 2>/dev/null || :
	wait; rm -rf "$work"' EXIT
cd "$work"
apt-get download -q rclone=1.60.1+dfsg-2+b5 >/dev/null 2>&1
dpkg -x rclone_*.deb root
mkdir back mount
printf 'one\n' >back/file
touch -d '2020-01-01' back/file
root/usr/bin/rclone version | head -1
root/usr/bin/rclone mount ":local:$work/back" mount --config /dev/null 2>messages &
for _ in $(seq 100); do mountpoint -q mount && break; sleep 0.1; done

look() { stat --cached=never -c '%s %Y' mount/file; }
before=$(look)
cat mount/file >/dev/null 2>&1
sleep 2
printf 'two\n' >back/file
sleep 2 # the kernel's own copy of the attributes lasts a second
changed=$(look)
bytes=$(cat mount/file)
after=$(look)
echo "same size: before $before, changed $changed, read: $bytes, after the read $after"
[ "$before" = "$changed" ]
[ "$bytes" = two ]
[ "$after" = "$(stat -c '%s %Y' back/file)" ]

printf 'three, and longer\n' >back/file
sleep 2
grown=$(look)
if cat mount/file >./read 2>error; then status=0; else status=$?; fi
echo "grown: size and mtime $grown; cat: status $status, $(cat error)"
[ "${grown% *}" = 4 ]
[ "$status" = 1 ]
grep -q 'Input/output error' error
# Seen: before and changed the same, read: two, after the read the server's mtime; grown: size 4, cat fails
# with "Input/output error".
