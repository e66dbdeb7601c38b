# SPDX-License-Identifier: MIT
import ctypes, hashlib, os, sys
libc = ctypes.CDLL(None, use_errno=True)
how, path, wanted = sys.argv[1:]
if how == 'setuid':
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
elif how == 'setresuid':
    os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
elif how == 'setreuid':
    os.setreuid(65534, 65534)
elif how == 'seteuid':
    os.seteuid(65534)
elif how == 'syscall':
    libc.syscall(117, 65534, 65534, 65534)
elif how == 'fork':
    if os.fork():
        sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
    os.setuid(65534)
elif how == 'chroot':
    os.chroot(os.path.dirname(path)); path = '/' + os.path.basename(path)
with open(path, 'rb') as f:
    data = f.read()
print(len(data), 'right' if hashlib.md5(data).hexdigest() == wanted else 'wrong')
