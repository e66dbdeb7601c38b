# SPDX-License-Identifier: MIT
"""What helpers must not be in the way of, and reads after it: tier_life.py FILE WANTED WHAT"""
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
path, wanted = sys.argv[1], open(sys.argv[2], "rb").read()
def same():
    return open(path, "rb").read() == wanted
def child(do):
    pid = os.fork()
    if not pid:
        try:
            do()
            os._exit(0 if same() else 2)
        except BaseException as e:
            print(e, file=sys.stderr)
            os._exit(3)
    return os.waitpid(pid, 0)[1]
def seccomp():
    """A filter that kills who makes a socket: BPF by hand."""
    import struct
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, 41 if os.uname().machine == "x86_64" else 198),
            (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7fff0000)]
    text = b"".join(struct.pack("HBBI", *c) for c in code)
    buf = ctypes.create_string_buffer(text, len(text))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buf))
    assert not libc.prctl(38, 1, 0, 0, 0)
    assert not libc.prctl(22, 2, ctypes.create_string_buffer(program, len(program)))
def hidden():
    """The same where /proc cannot be read, so that nobody sees the filter."""
    if not os.getuid() and not libc.unshare(0x20000):
        libc.mount(b"none", b"/", None, 0x44000, None)
        assert not libc.mount(b"none", b"/proc", b"tmpfs", 0, None)
    seccomp()
def rights():
    if os.getuid():
        return
    os.setgroups([])
    os.setresuid(65534, 65534, 65534)
def capset():
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    assert not libc.capset(head, (ctypes.c_uint32 * 6)())
what = sys.argv[3]
open(os.path.dirname(path) + "/small").read()
before = sorted(os.listdir("/proc/self/fd"))
first = what in ("late", "hidden") or same()
result = child({"fork": lambda: None, "seccomp": seccomp, "set*id": rights, "capset": capset, "late": seccomp,
                "hidden": hidden,
                "exec": lambda: os.execv(sys.executable, [sys.executable] + sys.argv[:3] + ["fork"])}[what])
print(first, result, before == sorted(os.listdir("/proc/self/fd")))
