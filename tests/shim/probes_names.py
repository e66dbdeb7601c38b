# SPDX-License-Identifier: MIT
"""Cases 1 to 16 of probes.py: calls, rights, names."""
import ctypes
import fcntl
import mmap
import os
import select
import socket
import subprocess
import sys

from probes_words import PLAIN, TOP, as_nobody, called, case, child, content, libc, other, read, tried


@case
def p01_system_calls_past_libc(d):
    buf = ctypes.create_string_buffer(256)
    for f in (41, 42):
        yield os.stat(f"{d}/f{f}").st_size, called("syscall", 4, f"{d}/f{f}".encode(), buf), \
            int.from_bytes(buf.raw[48:56], "little")
    fd = called("syscall", 257, -100, f"{d}/f43".encode(), os.O_RDONLY)
    yield content(fd), read(f"{d}/f44"), called("syscall", 21, f"{d}/no1".encode(), 0), os.access(f"{d}/no1", 0)


@case
def p02_calls_by_descriptor(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    yield hex(fcntl.fcntl(fd, fcntl.F_GETFL)), os.statvfs(fd).f_bsize == os.statvfs(d).f_bsize
    yield tried(os.getxattr, fd, "user.none"), tried(os.listxattr, fd), tried(os.lseek, fd, 0, os.SEEK_HOLE)
    yield tried(os.lseek, fd, 9999, os.SEEK_DATA), tried(fcntl.ioctl, fd, 0x541B, b"1234")
    os.close(fd)


@case
def p03_proc_and_dev_fd(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    with mmap.mmap(fd, 0, prot=mmap.PROT_READ), open("/proc/self/maps", encoding="utf-8") as maps:
        yield sum(d in line for line in maps)
    yield os.readlink(f"/proc/self/fd/{fd}").removeprefix(TOP), read(f"/proc/self/fd/{fd}"), read(f"/dev/fd/{fd}")
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
        yield info.read().splitlines()[:2]
    os.close(fd)


@case
def p04_children_without_the_object(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    os.read(fd, 3)
    yield subprocess.run(["cat", f"/proc/self/fd/{fd}", "-"], stdin=fd, pass_fds=[fd], env=PLAIN, check=False,
                         capture_output=True).stdout
    os.close(fd)
    yield os.system(f"cat {d}/f41 >/dev/null"), os.popen(f"cat {d}/f42").read(), read(f"{d}/f43")


@case
def p05_forks_share_positions(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    yield child(os.read, fd, 3), os.read(fd, 3), child(read, f"{d}/f41"), read(f"{d}/f41"), read(f"{d}/f42")
    os.close(fd)


@case
def p06_descriptors_that_are_sent(d):
    ends = socket.socketpair()
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    os.read(fd, 2)
    socket.send_fds(ends[0], [b"x"], [fd])
    got = socket.recv_fds(ends[1], 1, 1)[1][0]
    yield got - fd, os.read(got, 2), content(fd), content(got), read(f"{d}/f41")
    fd = os.open(f"{d}/f42", os.O_RDONLY)
    yield tried(select.epoll().register, fd), select.select([fd], [], [], 0)[0] == [fd]
    os.close(fd)


@case
def p07_locks_and_leases(d):
    fd = os.open(f"{d}/f41", os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX)
    lock = "import fcntl\ntry:\n    fcntl.{}(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB); print('got')\n" \
           "except OSError as e: print(e.errno)"
    yield read(f"{d}/f40"), read(f"{d}/f42"), other(lock.format("lockf"), f"{d}/f41")
    fcntl.flock(fd, fcntl.LOCK_EX)
    yield read(f"{d}/f43"), other(lock.format("flock"), f"{d}/f41")
    os.close(fd)
    yield other(lock.format("lockf"), f"{d}/f41"), other(lock.format("flock"), f"{d}/f44"), read(f"{d}/f44")
    fd = os.open(f"{d}/f45", os.O_RDONLY)
    yield tried(fcntl.fcntl, fd, fcntl.F_SETLEASE, fcntl.F_RDLCK), read(f"{d}/f46")
    os.close(fd)


@case
def p08_modes(d):
    os.chmod(f"{d}/f40", 0)
    yield read(f"{d}/f40"), child(as_nobody, read, f"{d}/f40"), child(as_nobody, read, f"{d}/f41")
    os.chmod(f"{d}/f42", 0)
    yield child(as_nobody, os.access, f"{d}/f42", os.R_OK), read(f"{d}/f42"), read(f"{d}/f43")


@case
def p09_search_permission(d):
    os.chmod(d, 0o700)
    yield read(f"{d}/f40"), child(as_nobody, read, f"{d}/f41"), child(as_nobody, os.stat, f"{d}/no1")
    yield tried(os.stat, f"{d}/no1"), read(f"{d}/f41")


@case
def p10_rights_that_are_given_up(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    os.chmod(f"{d}/f41", 0o600)
    yield child(as_nobody, os.read, fd, 50), child(as_nobody, read, f"{d}/f41"), read(f"{d}/f42")
    os.seteuid(65534)
    yield read(f"{d}/f41"), read(f"{d}/f43"), os.read(fd, 50)
    os.seteuid(0)
    yield read(f"{d}/f41"), read(f"{d}/f44")
    os.close(fd)


def strictly(fd):
    buf = ctypes.create_string_buffer(5)
    libc.prctl(22, 1, 0, 0, 0)
    libc.syscall(60, libc.read(fd, buf, 5) + buf.raw[0])


@case
def p11_seccomp(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    yield child(strictly, fd), child(lambda: libc.prctl(38, 1, 0, 0, 0) or read(f"{d}/f41")), read(f"{d}/f41")
    os.close(fd)


def below_new_root(d):
    os.chroot(d)
    return read("/f41"), read(f"{d}/f41"), tried(os.stat, "/no1")


def mounted_over(d):
    if libc.unshare(0x20000) or libc.mount(b"none", b"/", None, 0x40000 | 0x4000, None):
        return "no mounts"
    read(f"{d}/f41")
    return libc.mount(b"none", d.encode(), b"tmpfs", 0, None), read(f"{d}/f42"), tried(os.stat, f"{d}/no1"), \
        libc.umount2(d.encode(), 2), read(f"{d}/f43")


@case
def p12_roots_and_mounts(d):
    yield child(below_new_root, d), child(mounted_over, d), read(f"{d}/f40"), read(f"{d}/f41")


@case
def p13_relative_names(d):
    at = os.open(d, os.O_RDONLY)
    yield read("f40", dir_fd=at), tried(os.stat, "no1", dir_fd=at)
    os.rename(d, d + ".moved")
    os.mkdir(d)
    yield read("f41", dir_fd=at), read(f"{d}/f42"), read(f"{d}.moved/f42"), tried(os.stat, "f43", dir_fd=at).st_size
    os.fchdir(at)
    yield read("f44"), os.getcwd().removeprefix(TOP), read(f"../{os.path.basename(d)}/f44")
    os.chdir("/")
    os.close(at)


@case
def p14_links_and_odd_spellings(d):
    os.symlink(d, d + ".now")
    yield read(f"{d}.now/f40"), read(f"{d}.now/../{os.path.basename(d)}/f41")
    os.symlink(TOP, d + ".then")
    os.rename(d + ".then", d + ".now")
    yield read(f"{d}.now/f42"), read(f"{d}/f42/"), read(f"{d}/f43/x"), read(""), read(f"{d}/{'x' * 256}")
    os.symlink("loop", f"{d}/loop")
    os.symlink("f44", f"{d}/link")
    yield read(f"{d}/loop"), read(f"{d}/link", os.O_NOFOLLOW), read(f"{d}/link"), os.lstat(f"{d}/link").st_size
    yield read(f"{d}//f45"), read(f"{d}/./f46"), tried(os.stat, f"{d}/no1/"), tried(os.stat, f"{d}/no1/..")


@case
def p15_flags(d):
    for f, flags in enumerate((os.O_PATH, os.O_DIRECT, os.O_NOATIME, os.O_CREAT | os.O_EXCL, os.O_CREAT, os.O_WRONLY,
                               os.O_DIRECTORY, os.O_SYNC, os.O_TRUNC | os.O_RDWR, os.O_TMPFILE | os.O_RDWR)):
        fd = tried(os.open, f"{d}/f{40 + f}", flags)
        yield flags, hex(fcntl.fcntl(fd, fcntl.F_GETFL)) if isinstance(fd, int) else fd
        yield content(fd) if isinstance(fd, int) and not flags & (os.O_PATH | os.O_WRONLY | os.O_DIRECT) else 0
    for resolve in (0, 0x01, 0x04, 0x08, 0x10):
        how = (ctypes.c_uint64 * 3)(os.O_RDONLY, 0, resolve)
        yield resolve, content(called("syscall", 437, -100, f"{d}/f60".encode(), how, 24))


@case
def p16_own_changes(d):
    old = os.umask(0o077)
    fd = os.open(f"{d}/no1", os.O_CREAT | os.O_WRONLY, 0o666)
    os.umask(old)
    yield oct(os.stat(f"{d}/no1").st_mode), os.write(fd, b"12"), os.stat(f"{d}/no1").st_size, os.close(fd)
    os.rename(f"{d}/f40", f"{d}/no2")
    yield read(f"{d}/f40"), read(f"{d}/no2"), read(f"{d}/f41")
    with open(f"{d}/f42", "a", encoding="ascii") as file:
        file.write("more")
    os.truncate(f"{d}/f43", 2)
    yield read(f"{d}/f42"), read(f"{d}/f43"), os.mkdir(f"{d}/no3"), os.path.isdir(f"{d}/no3")
