#!/bin/bash
# SPDX-License-Identifier: MIT
# mergerfs 2.33.5: a directory's mtime does not change when a file appears in it.
#
# The directory is there in both branches. Its attributes are those of the first branch where it is found.
# A file that is made in the second branch is listed at once, and the directory's times stay what they were.
# So a cache of names cannot ask the directory whether they still hold.
set -eu
work=$(mktemp -d)
trap 'fusermount3 -u "$work/mount" 2>/dev/null || fusermount -u "$work/mount" 2>/dev/null || :
	rm -rf "$work"' EXIT
cd "$work"
apt-get download -q mergerfs=2.33.5-1 >/dev/null 2>&1
dpkg -x mergerfs_*.deb root
mkdir -p a/dir b/dir mount
touch -d 2020-01-01 a/dir b/dir
root/usr/bin/mergerfs --version | head -1
root/usr/bin/mergerfs a:b mount
before=$(stat -c '%Y %Z' mount/dir)
echo new >b/dir/file
sleep 3 # attributes are kept for a second
after=$(stat -c '%Y %Z' mount/dir)
listed=$(ls mount/dir)
echo "listed: $listed; mtime and ctime of the directory before: $before, after: $after"
[ "$listed" = file ]
[ "$before" = "$after" ]

# In the first branch the times do change.
echo new >a/dir/other
sleep 3
[ "$(stat -c '%Y %Z' mount/dir)" != "$before" ]
# Seen: listed: file; the same times before and after.
