# SPDX-License-Identifier: MIT
"""What calls answer in a tree, one line a question, so that two runs can be compared: frozen_calls.py TREE

Below a frozen tree and without the cache the lines are the same. What the kernel shows of a descriptor past libc
is not asked here, but for what it must show: the bytes.
"""
import array
import ctypes
import errno
import fcntl
import glob
import mmap
import os
import shutil
import socket
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
top = sys.argv[1]


def tell(name, function):
    try:
        answer = function()
    except OSError as e:
        answer = errno.errorcode.get(e.errno, e.errno)
    except ValueError as e:
        answer = str(e)
    print(name.replace(top, "TOP"), str(answer).replace(top, "TOP"))


def attributes(st):
    return [st.st_mode, st.st_ino, st.st_dev, st.st_nlink, st.st_uid, st.st_gid, st.st_size, st.st_mtime_ns,
            st.st_ctime_ns, st.st_blocks, st.st_blksize, st.st_rdev]


def with_fd(path, function, flags=os.O_RDONLY, **more):
    fd = os.open(path, flags, **more)
    try:
        return function(fd)
    finally:
        os.close(fd)


def called(name, *arguments):
    ctypes.set_errno(0)
    ret = getattr(libc, name)(*arguments)
    return ret if ret >= 0 else errno.errorcode.get(ctypes.get_errno())


PATHS = ["", "/", "/.", "/a/..", "/a", "/a/", "/a//b", "/a/./b", "/a/../a/b", "/a/b", "/a/b/", "/a/b/c", "/no",
         "/no/", "/no/no", "/a/no", "/a/b/no", "/link", "/link/", "/link/b", "/up", "/up/b", "/out",
         "/out/passwd", "/dangling", "/dangling/x", "/loop", "/loop/x", "/absolute", "/absolute/b", "/chain",
         "/exec", "/secret", "/empty", "/large", "/fifo", "/" + "n" * 255, "/" + "n" * 256, "/a/" * 1500, "/A",
         "/a/B", "/deep/1/2/3/4/f", "/deep/1/../1/2/3/4/f", "/link/../a/b", "/hard", "/hard2", "/\xff\xfe"]
FLAGS = [os.O_RDONLY, os.O_RDONLY | os.O_NOFOLLOW, os.O_RDONLY | os.O_DIRECTORY, os.O_PATH, os.O_NONBLOCK,
         os.O_PATH | os.O_NOFOLLOW, os.O_RDONLY | os.O_NOATIME, os.O_RDONLY | os.O_SYNC]


def names():
    base = os.open(top, os.O_RDONLY)
    for path in PATHS:
        for how, at, more in (("", top + path, {}), ("at ", path.lstrip("/") or ".", {"dir_fd": base})):
            tell(f"{how}stat {path}", lambda: attributes(os.stat(at, **more)))
            tell(f"{how}lstat {path}", lambda: attributes(os.lstat(at, **more)))
            tell(f"{how}readlink {path}", lambda: os.readlink(at, **more))
            for mode in (os.F_OK, os.R_OK, os.X_OK, os.R_OK | os.X_OK, 8):
                tell(f"{how}access {mode} {path}", lambda: os.access(at, mode, **more))
                tell(f"{how}eaccess {mode} {path}", lambda: os.access(at, mode, effective_ids=True, **more))
            for flags in FLAGS:
                if path != "/fifo" or flags & (os.O_NONBLOCK | os.O_PATH):
                    tell(f"{how}open {flags:o} {path}", lambda: with_fd(at, lambda fd: [
                        attributes(os.fstat(fd)), os.get_inheritable(fd)], flags, **more))
        tell(f"list {path}", lambda: os.listdir(top + path))
        tell(f"scan {path}", lambda: [[e.name, e.inode(), e.is_dir(follow_symlinks=False), e.is_symlink(), e.is_file()]
                                      for e in os.scandir(top + path)])
        tell(f"list at {path}", lambda: with_fd(top + path, os.listdir, os.O_RDONLY | os.O_DIRECTORY))
        tell(f"realpath {path}", lambda: os.path.realpath(top + path))
        tell(f"exists {path}", lambda: os.path.exists(top + path))
    os.close(base)
    tell("glob", lambda: sorted(glob.glob(top + "/*/*") + glob.glob(top + "/**/f", recursive=True)))
    tell("walk", lambda: sorted((d, sorted(s), sorted(f)) for d, s, f in os.walk(top)))
    for d in ("/a", "/deep/1", "/link"):
        os.chdir(top + d)
        for path in ("b", "./b", "../a/b", "no", "2/3", ".", "..", ""):
            tell(f"in {d}: {path}", lambda: attributes(os.stat(path)))
            tell(f"in {d}: open {path}", lambda: with_fd(path, lambda fd: attributes(os.fstat(fd))))
    os.chdir("/")


def libc_calls():
    buf = ctypes.create_string_buffer(512)
    path = (top + "/a/b").encode()
    for bad in (None, ctypes.c_void_p(8), ctypes.c_void_p((1 << 47) - 1)):
        for call in ("open", "access", "stat", "chdir"):
            tell(f"{call} {bad}", lambda: called(call, bad, 0 if call != "stat" else buf))
    tell("stat into nothing", lambda: called("stat", path, ctypes.c_void_p(8)))
    tell("statx into nothing", lambda: called("statx", -100, path, 0, 0x7ff, ctypes.c_void_p(8)))
    tell("readlink into nothing", lambda: called("readlink", (top + "/link").encode(), ctypes.c_void_p(8), 10))
    tell("readlink of 0", lambda: called("readlink", (top + "/link").encode(), buf, 0))
    tell("readlink of 2", lambda: [called("readlink", (top + "/link").encode(), buf, 2), buf.raw[:2]])
    for flags in (0, 0x100, 0x800, 0x1000, 0x2000, 0x4000, 0x40000000):
        for mask in (0x7ff, 0xfff, 0x1fff, 0x4fff, 0x80000000, 1):
            buf = ctypes.create_string_buffer(256)
            tell(f"statx {flags:x} {mask:x}", lambda: [called("statx", -100, path, flags, mask, buf), buf.raw[:64],
                                                       buf.raw[96:160]])
    tell("statx of a descriptor", lambda: with_fd(path, lambda fd: [called("statx", fd, b"", 0x1000, 0xfff, buf),
                                                                    buf.raw[:64], buf.raw[96:160]]))
    libc.fopen.restype = ctypes.c_void_p
    for mode in (b"r", b"rb", b"re", b"r+", b"q"):
        f = libc.fopen(path, mode)
        tell(f"fopen {mode}", lambda: bool(f))
        if f:
            n = libc.fread(buf, 1, 100, ctypes.c_void_p(f))
            tell("fread", lambda: [n, buf.raw[:n], libc.fputc(65, ctypes.c_void_p(f)) if mode != b"r+" else 0])
            libc.fclose(ctypes.c_void_p(f))


def locked(fd):
    fcntl.flock(fd, fcntl.LOCK_EX)
    other = os.open(top + "/a/b", os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return "both"
    except OSError as e:
        return errno.errorcode[e.errno]
    finally:
        os.close(other)


def record_locked(fd):
    fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return "granted"


def duplicates(fd):
    other, third = os.dup(fd), os.open(top + "/hard", os.O_RDONLY)
    os.dup2(fd, third)
    answers = [os.read(fd, 2), os.read(other, 2), os.lseek(third, 0, os.SEEK_CUR), attributes(os.fstat(other)),
               attributes(os.fstat(third))]
    fcntl.flock(other, fcntl.LOCK_SH)  # the real file takes their places
    answers += [os.read(third, 3), os.read(fd, 3), [attributes(os.fstat(n)) for n in (fd, other, third)],
                os.readlink(f"/proc/self/fd/{fd}")]
    os.close(other)
    os.close(third)
    return answers


def mapped(fd):
    with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as m:
        answers = [m[:], len(m)]
    for prot, flags in ((mmap.PROT_WRITE | mmap.PROT_READ, mmap.MAP_SHARED), (mmap.PROT_EXEC, mmap.MAP_PRIVATE)):
        try:
            mmap.mmap(fd, 4096, flags=flags, prot=prot).close()
            answers.append("mapped")
        except OSError as e:
            answers.append(errno.errorcode[e.errno])
    return answers


def passed(fd):
    a, b = socket.socketpair()
    a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
    got = array.array("i", b.recvmsg(1, 64)[1][0][2])[0]
    return [os.pread(got, 100, 0), attributes(os.fstat(got)), os.readlink(f"/proc/self/fd/{got}"), os.close(got)]


def child(fd):
    os.set_inheritable(fd, True)
    os.lseek(fd, 1, os.SEEK_SET)
    script = f"cat <&{fd}; readlink /proc/self/fd/{fd}; stat -L -c '%i %s %Y' /dev/fd/{fd}"
    out = subprocess.run(["/bin/sh", "-c", script],
                         pass_fds=[fd], env={}, capture_output=True).stdout
    return [out, os.read(fd, 9)]


def forked(fd):
    os.read(fd, 1)
    pid = os.fork()
    if not pid:
        os.read(fd, 2)
        os._exit(0 if os.path.samestat(os.fstat(fd), os.stat(top + "/a/b")) else 1)
    return [os.waitpid(pid, 0)[1], os.read(fd, 9)]


def sent(fd):
    a, b = socket.socketpair()
    return [os.sendfile(a.fileno(), fd, 1, 4), b.recv(99), os.lseek(fd, 0, os.SEEK_CUR)]


def descriptors():
    for name, function in sorted({
            "flags": lambda fd: [fcntl.fcntl(fd, fcntl.F_GETFL), fcntl.fcntl(fd, fcntl.F_GETFD)],
            "set": lambda fd: [fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), fcntl.fcntl(fd, fcntl.F_GETFL)],
            "number": lambda fd: fd, "read": lambda fd: [os.read(fd, 3), os.read(fd, 99), os.read(fd, 9)],
            "pread": lambda fd: [os.pread(fd, 3, 2), os.pread(fd, 9, 900), os.lseek(fd, 0, os.SEEK_CUR)],
            "seek": lambda fd: [os.lseek(fd, n, w) for n, w in ((2, 0), (-1, 1), (0, 2), (0, 3), (0, 4), (9, 0))],
            "write": lambda fd: os.write(fd, b"x"), "cut": lambda fd: os.ftruncate(fd, 0),
            "path": lambda fd: os.readlink(f"/proc/self/fd/{fd}"),
            "again": lambda fd: with_fd(f"/dev/fd/{fd}", lambda n: [attributes(os.fstat(n)), os.read(n, 99)]),
            "stat again": lambda fd: attributes(os.stat(f"/proc/self/fd/{fd}")),
            "statvfs": lambda fd: os.fstatvfs(fd)[0:3], "xattr": lambda fd: os.getxattr(fd, "user.none"),
            "pathconf": lambda fd: os.fpathconf(fd, "PC_NAME_MAX"),
            "ioctl": lambda fd: fcntl.ioctl(fd, 0x5401, b" " * 64), "fdopen": lambda fd: os.fdopen(os.dup(fd)).read(),
            "lock": locked, "record lock": record_locked, "duplicates": duplicates, "map": mapped, "pass": passed,
            "child": child, "fork": forked, "send": sent, "chdir": os.fchdir, "list": os.listdir,
            "sync": lambda fd: [os.fsync(fd), os.fdatasync(fd)], "chmod": lambda fd: os.stat(fd).st_mode}.items()):
        for flags in (os.O_RDONLY, os.O_RDONLY | os.O_NONBLOCK):
            tell(f"descriptor: {name} {flags:o}", lambda: with_fd(top + "/a/b", function, flags))
    tell("empty", lambda: with_fd(top + "/empty", lambda fd: [os.read(fd, 9), attributes(os.fstat(fd))]))
    tell("large", lambda: with_fd(top + "/large", lambda fd: [os.pread(fd, 9, 1 << 20), attributes(os.fstat(fd))]))
    tell("copy", lambda: [shutil.copy2(top + "/a/b", sys.argv[2]), open(sys.argv[2]).read(),
                          os.stat(sys.argv[2]).st_mtime_ns])
    tell("run", lambda: subprocess.run([top + "/exec"], capture_output=True).stdout)
    for command in ("ls -laR", "find . -printf '%p %i %s %y %T@\\n'", "grep -r . .", "du -a", "tar -cf - . | md5sum",
                    "md5sum a/b < a/b", "cp -a a /proc/self/none", "readlink -f link/b", "test -x exec && ./exec",
                    "cat a/b"):
        tell(command, lambda: subprocess.run(["sh", "-c", command], cwd=top, capture_output=True).stdout)


os.environ["LC_ALL"] = "C"
names()
libc_calls()
descriptors()
