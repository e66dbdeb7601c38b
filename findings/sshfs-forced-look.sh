#!/bin/bash
# SPDX-License-Identifier: MIT
# sshfs 3.7.3: a forced look (AT_STATX_FORCE_SYNC) does not reach the server.
#
# The kernel passes the flag on: it drops its own attributes and asks the file system. sshfs answers from
# a table of its own that keeps an answer for 20 seconds. The size stays the old one, also through an open
# descriptor, although the server's file has grown. An open() of the same name asks the server, so a
# program that wants the truth must open the file once more.
set -eu
work=$(mktemp -d)
trap 'fusermount3 -u "$work/mount" 2>/dev/null || :; rm -rf "$work"' EXIT
cd "$work"
apt-get download -q sshfs=3.7.3-1.2~deb12u1 openssh-sftp-server=1:9.2p1-2+deb12u10 >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" root; done

# The transport is the sftp server itself, without ssh.
printf '#!/bin/sh\nexec "%s/root/usr/lib/openssh/sftp-server"\n' "$work" >transport
chmod 755 transport
mkdir back mount
echo first >back/file
root/usr/bin/sshfs "x:$work/back" mount -o ssh_command="$work/transport"
root/usr/bin/sshfs --version

cat >look.py <<'P'
import ctypes, os, sys
FORCE_SYNC, SIZE = 0x2000, 0x200
libc = ctypes.CDLL(None, use_errno=True)

def look(fd, name, flags):
    """The size that statx() tells: at byte 40 of the answer."""
    answer = (ctypes.c_uint64 * 32)()
    if libc.statx(fd, name, flags, SIZE, answer):
        sys.exit(os.strerror(ctypes.get_errno()))
    return answer[5]

fd = os.open("mount/file", os.O_RDONLY)
print("before:", look(fd, b"", FORCE_SYNC | 0x1000))
with open("back/file", "a") as f:
    f.write("and more\n")
forced = look(fd, b"", FORCE_SYNC | 0x1000), look(-100, b"mount/file", FORCE_SYNC)
print("after it grew, forced, by descriptor and by name:", *forced)
other = os.open("mount/file", os.O_RDONLY)
opened = look(other, b"", FORCE_SYNC | 0x1000)
print("after one more open():", opened)
sys.exit(0 if forced == (6, 6) and opened == 15 else 1)
P
python3 look.py
# Seen: before 6; forced 6 6; after one more open() 15.
