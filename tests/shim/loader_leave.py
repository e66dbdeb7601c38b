# SPDX-License-Identifier: MIT
import ctypes, fcntl, mmap, os, subprocess, sys, time
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
# the read that the helper is in the middle of has the file until it ends
for tries in range(100):
    if not subprocess.run(["fusermount3", "-u", sys.argv[2]]).returncode:
        break
    time.sleep(0.1)
else:
    sys.exit("the mount is busy for 10 s")
if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
    sys.exit("unshare: " + os.strerror(ctypes.get_errno()))
