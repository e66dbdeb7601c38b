# SPDX-License-Identifier: MIT
import ctypes, fcntl, mmap, os, subprocess, sys
def threads():
    return len(os.listdir("/proc/self/task"))
f = open(sys.argv[1], "rb")
fcntl.lockf(f, fcntl.LOCK_SH)
m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
touched, first = m[::262144], threads()
with open("/proc/locks") as locks:
    if not any(" POSIX " in line and int(line.split()[4]) == os.getpid() for line in locks):
        sys.exit("the lock is lost")
m.close()
f.close()
if first == 1:
    sys.exit("nobody follows")
subprocess.run(["fusermount3", "-u", sys.argv[2]], check=True)
if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
    sys.exit("unshare: " + os.strerror(ctypes.get_errno()))
