# SPDX-License-Identifier: MIT
"""Changes of a frozen tree by a program below the shim are seen at once, by it and by others: frozen_changes.py TREE

A second process, below the shim too, is asked after each change: it has asked before, and so would know the record's.
The processes that are asked run frozen_changes.py --answer: a path on each line, and what it is on another.
"""
import ctypes
import os
import platform
import struct
import subprocess
import sys

failed = 0


def look(path):
    try:
        st = os.lstat(path)
        answer = f"{st.st_mode:o} {st.st_size} {st.st_mtime_ns} {st.st_nlink}"
        answer += " " + (open(path).read() if st.st_mode & 0o170000 == 0o100000 else "")
        answer += " " + ",".join(sorted(os.listdir(path))) if st.st_mode & 0o170000 == 0o040000 else ""
    except OSError as e:
        answer = str(e.errno)
    return answer.replace("\n", "|") + "\n"


if sys.argv[1] == "--answer":
    for line in sys.stdin:
        print(look(line.rstrip("\n")), end="", flush=True)
    sys.exit()
top = sys.argv[1]
plain = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
sides = [subprocess.Popen([sys.executable, __file__, "--answer"], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, env=env) for env in (dict(os.environ), plain)]


def ask(side, path):
    side.stdin.write(path + "\n")
    side.stdin.flush()
    return side.stdout.readline()


def write(path, text, mode="w"):
    with open(path, mode) as f:
        f.write(text)


def check(name, change, *paths):
    global failed
    paths = [f"{top}/{p}" for p in paths]
    for p in paths:
        ask(sides[0], p)
    change()
    for p in paths:
        answers = ask(sides[0], p), look(p), ask(sides[1], p)
        if len(set(answers)) != 1:
            failed += 1
            print(f"{name}, {p}: another process {answers[0]!r}, this {answers[1]!r}, the kernel {answers[2]!r}")


os.chdir(top)
check("append", lambda: write("c1/f", "more", "a"), "c1/f")
check("replace", lambda: write("c1/g", "other"), "c1/g")
check("create", lambda: write("c2/new", "new"), "c2/new", "c2", "c2/f")
check("relative create", lambda: write("./c3/../c3/new", "new"), "c3/new", "c3")
check("through a link", lambda: write("to_c4/f", "linked"), "c4/f")
check("create through a link", lambda: write("to_c4/new", "linked"), "c4/new", "c4")
check("unlink", lambda: os.unlink("c5/f"), "c5/f", "c5")
check("rename", lambda: os.rename("c6/f", "c7/moved"), "c6/f", "c7/moved", "c6", "c7")
check("rename over", lambda: os.rename("c8/f", "c8/g"), "c8/f", "c8/g", "c8")
check("rename a directory", lambda: os.rename("c9", "c9b"), "c9", "c9/f", "c9b", "c9b/f")
check("mkdir", lambda: os.mkdir("c10/d"), "c10", "c10/d")
check("rmdir", lambda: os.rmdir("c10/d"), "c10", "c10/d")
check("symlink", lambda: os.symlink("f", "c11/s"), "c11/s", "c11")
check("chmod", lambda: os.chmod("c12/f", 0o600), "c12/f")
check("utime", lambda: os.utime("c13/f", (1, 2)), "c13/f")
check("truncate", lambda: os.truncate("c14/f", 1), "c14/f")
check("link", lambda: os.link("c15/f", "c15/l"), "c15/f", "c15/l", "c15")
fd = os.open("c16", os.O_RDONLY)
check("from a directory", lambda: os.close(os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=fd)), "c16/new", "c16")
check("unlink from a directory", lambda: os.unlink("f", dir_fd=fd), "c16/f", "c16")
check("exec", lambda: subprocess.run(["sh", "-c", "echo x >c17/new; mv c17/f c17/h"]),
      "c17/new", "c17/f", "c17/h", "c17")
with open("c18/f", "r+") as f:
    check("write through a descriptor", lambda: (f.write("zz"), f.flush()), "c18/f")
with open("c19/f") as f:
    check("fchmod", lambda: os.fchmod(f.fileno(), 0o640), "c19/f")
with open("c20/f") as f:
    write("c20/f", "changed while it was open")
    if f.read() != "changed while it was open":
        failed += 1
        print("what is written to an open file is not read from it")

by_number = ctypes.CDLL(None, use_errno=True).syscall


def number(n, *arguments):
    """A call by its number, on x86_64."""
    values = [ctypes.c_char_p(a.encode()) if isinstance(a, str) else ctypes.c_long(a) for a in arguments]
    if by_number(ctypes.c_long(n), *values) < 0:
        raise OSError(ctypes.get_errno(), f"call {n}")


if platform.machine() == "x86_64":
    how = ctypes.create_string_buffer(struct.pack("QQQ", os.O_WRONLY | os.O_TRUNC, 0, 0))
    check("rename by number", lambda: number(82, "n1/f", "n1/h"), "n1/f", "n1/h", "n1")
    check("renameat2 that exchanges", lambda: number(316, -100, "n2/f", -100, "n2/g", 2), "n2/f", "n2/g")
    check("unlinkat", lambda: number(263, -100, "n3/f", 0), "n3/f", "n3")
    check("fchmodat", lambda: number(268, -100, "n4/f", 0o600), "n4/f")
    check("link by number", lambda: number(86, "n5/f", "n5/l"), "n5/l", "n5/f", "n5")
    check("symlink by number", lambda: number(88, "f", "n6/s"), "n6/s", "n6")
    check("mkdir by number", lambda: number(83, "n7/d", 0o700), "n7/d", "n7")
    check("openat2 that cuts", lambda: number(437, -100, "n8/f", ctypes.addressof(how), 24), "n8/f")
    check("utimensat", lambda: number(280, -100, "n9/f", 0, 0), "n9/f")
    with open("n10/f") as f:
        check("fchmod by number", lambda: number(91, f.fileno(), 0o640), "n10/f")
    check("unlink by number", lambda: number(87, "n10/g"), "n10/g", "n10")
check("untouched", lambda: None, "c21/f", "c21", "c21/no")
for side in sides:
    side.stdin.close()
    side.wait()
sys.exit(failed > 0)
