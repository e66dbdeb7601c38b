# SPDX-License-Identifier: MIT
"""Cases 17 to 32 of probes.py: files that change, what libc does within, limits."""
import ctypes
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time

from probes_words import BACK, PLAIN, as_nobody, called, case, child, content, libc, other, read, tried


@case
def p17_children_that_make_files(d):
    other("for n in ('no1', 'f40'): open(sys.argv[1] + '/' + n, 'w').write('made')", d)
    yield read(f"{d}/no1"), read(f"{d}/f40"), read(f"{d}/f41")
    with subprocess.Popen(["sh", "-c", f"read x; echo made >{d}/no2; rm {d}/f42; echo; read x"], env=PLAIN,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        os.write(shell.stdin.fileno(), b"\n")
        os.read(shell.stdout.fileno(), 1)
        yield read(f"{d}/no2"), read(f"{d}/f42"), read(f"{d}/f43")


@case
def p18_watches(d):
    watch = libc.inotify_init1(os.O_NONBLOCK)
    libc.inotify_add_watch(watch, f"{d}/f41".encode(), 0x20)  # IN_OPEN
    yield read(f"{d}/f40"), tried(os.read, watch, 64)
    yield read(f"{d}/f41"), len(os.read(watch, 64)), read(f"{d}/f42"), tried(os.read, watch, 64)
    os.close(watch)


@case
def p19_removed_files(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    os.unlink(f"{d}/f40")
    other("for n in ('f41', 'f43'): os.unlink(sys.argv[1] + '/' + n)", d)
    yield content(fd), read(f"{d}/f40"), read(f"{d}/f41"), read(f"{d}/f42"), read(f"{d}/f43"), read(f"{d}/f44")


@case
def p20_replaced_by_one_that_looks_the_same(d):
    other("for n in ('f40', 'f41'):\n    p = sys.argv[1] + '/' + n; s = os.stat(p)\n"
          "    open(p + '.n', 'w').write('X' * s.st_size)\n    os.utime(p + '.n', ns=(s.st_atime_ns, s.st_mtime_ns))\n"
          "    os.rename(p + '.n', p)", d)
    yield read(f"{d}/f40"), read(f"{d}/f41"), read(f"{d}/f42")


@case
def p21_renames_and_links(d):
    shutil.copytree(BACK + "/fresh", d + ".fresh")
    other("os.rename(sys.argv[1], sys.argv[1] + '.old'); os.rename(sys.argv[1] + '.fresh', sys.argv[1])", d)
    yield read(f"{d}/f40"), read(f"{d}.old/f41"), read(f"{d}/f41")
    os.link(f"{d}/f42", f"{d}/no1")
    os.truncate(f"{d}/no1", 1)
    yield read(f"{d}/f42"), os.stat(f"{d}/f42").st_nlink
    yield called("renameat2", -100, f"{d}/f43".encode(), -100, f"{d}/f44".encode(), 2), read(f"{d}/f43"), \
        read(f"{d}/f44")


@case
def p22_stat_open_fstat(d):
    for f in range(40, 50):
        before = os.stat(f"{d}/f{f}")
        fd = os.open(f"{d}/f{f}", os.O_RDONLY)
        now = os.fstat(fd)
        os.close(fd)
        yield [getattr(before, k) == getattr(now, k) for k in dir(now) if k.startswith("st_") and "atime" not in k]


@case
def p23_attributes_and_errors(d):
    buf = ctypes.create_string_buffer(256)
    for sync in (0, 0x2000, 0x4000):
        yield called("statx", -100, f"{d}/f40".encode(), sync, 0x7ff, buf), buf.raw[:4], buf.raw[40:48]
    yield tried(os.stat, f"{d}/f41/x"), tried(os.stat, f"{d}/no1/x"), tried(os.stat, "x" * 5000), \
        tried(os.stat, f"{d}/no1"), tried(os.readlink, f"{d}/no1"), tried(os.readlink, f"{d}/f41"), \
        tried(os.getxattr, f"{d}/no1", "user.x"), tried(os.listdir, f"{d}/no1"), read(f"{d}/f41")


@case
def p24_streams_of_directories(d):
    libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
    stream = ctypes.c_void_p(libc.opendir(d.encode()))

    def names(n):
        got = (libc.readdir(stream) for _ in range(n))
        return [ctypes.string_at(entry + 19) for entry in got if entry]
    first = names(10)
    libc.telldir.restype = ctypes.c_long
    place = ctypes.c_long(libc.telldir(stream))
    second = names(10)
    libc.seekdir(stream, place)
    yield names(10) == second, len(first), libc.rewinddir(stream) and 0, names(10) == first
    other("open(sys.argv[1] + '/no1', 'w')", d)
    libc.rewinddir(stream)
    yield b"no1" in names(200), libc.closedir(stream), len(os.listdir(d))
    yield all(entry.inode() == entry.stat().st_ino for entry in os.scandir(d)), read(f"{d}/f40")


@case
def p25_files_that_grow_and_special_ones(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    yield os.read(fd, 100), os.read(fd, 100), other("open(sys.argv[1] + '/f40', 'a').write('more')", d), os.read(fd, 9)
    os.close(fd)
    other("for n in ('f41', 'f42', 'f43'): os.unlink(sys.argv[1] + '/' + n)\n"
          "os.mkfifo(sys.argv[1] + '/f41'); open(sys.argv[1] + '/f42', 'w'); os.mkdir(sys.argv[1] + '/f43')", d)
    yield read(f"{d}/f41", os.O_RDONLY | os.O_NONBLOCK), read(f"{d}/f42"), read(f"{d}/f43"), read(f"{d}/f44")


@case
def p25a_descriptors_within_libc(d):
    libc.fopen.restype = libc.fdopendir.restype = ctypes.c_void_p
    for f in range(40, 46):
        stream = ctypes.c_void_p(libc.fopen(f"{d}/f{f}".encode(), b"r"))
        number = libc.fileno(stream)
        libc.fclose(stream)
        fd = os.open(f"{d}/f{f + 1}", os.O_RDONLY)
        yield fd - number, os.fstat(fd).st_size, content(fd)
        at = os.open(d, os.O_RDONLY)
        libc.closedir(ctypes.c_void_p(libc.fdopendir(at)))
        fd = os.open(f"{d}/f{f + 2}", os.O_RDONLY)
        yield fd - at, stat.S_ISREG(os.fstat(fd).st_mode), content(fd)


@case
def p26_limits_and_lowest_numbers(d):
    kept = os.dup(0)
    os.close(0)
    yield tried(os.open, f"{d}/f40", os.O_RDONLY), content(0), tried(os.open, f"{d}/f41", os.O_RDONLY)
    os.dup2(kept, 0)
    os.close(kept)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 3, hard))
    fds = [tried(os.open, f"{d}/f{f}", os.O_RDONLY) for f in range(42, 46)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    yield [fd - lowest if isinstance(fd, int) else fd for fd in fds]
    for fd in fds[:3]:
        os.close(fd)
    yield read(f"{d}/f46")


def loaded(name):
    """Where the loader has it from."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return next((line.split()[-1] for line in maps if name in line), None)


@case
def p27_libraries(d):
    ctypes.CDLL("libm.so.6")
    shutil.copy(loaded("/libm.so.6"), f"{d}/f40.so")
    one, two = ctypes.CDLL(f"{d}/f40.so"), ctypes.CDLL(f"{d}/./f40.so")
    with open("/proc/self/maps", encoding="utf-8") as maps:
        yield one._handle == two._handle, len({line.split()[3:5] and line.split()[-1] for line in maps if d in line})
    yield read(f"{d}/f40")


@case
def p28_clocks(d):
    other("for n in ('', '/f40', '/f41'): os.utime(sys.argv[1] + n, (2**31, 2**31))", d)
    yield tried(os.stat, f"{d}/no1"), tried(os.stat, f"{d}/no1"), read(f"{d}/f40"), read(f"{d}/f41")
    other("open(sys.argv[1] + '/no1', 'w'); os.utime(sys.argv[1], (1, 1)); open(sys.argv[1] + '/no2', 'w')", d)
    yield os.stat(f"{d}/no1").st_size, os.stat(f"{d}/no2").st_size, read(f"{d}/f42")


@case
def p29_other_users_of_the_image(d):
    os.chmod(d, 0o711)
    yield child(as_nobody, os.stat, f"{d}/no1"), child(as_nobody, os.listdir, d), tried(os.stat, f"{d}/no1")
    other("open(sys.argv[1] + '/no1', 'w')", d)
    yield child(as_nobody, os.access, f"{d}/no1", 0), os.access(f"{d}/no1", 0), read(f"{d}/f40")


@case
def p30_handlers_and_killed_children(d):
    seen = set()
    signal.signal(signal.SIGALRM, lambda *_: seen.add((read(f"{d}/f69"), tried(os.stat, f"{d}/no1"))))
    got = []
    for f in range(40, 60):
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        got.append(read(f"{d}/f{f}"))
    time.sleep(0.1)
    pid = os.fork()
    if not pid:
        while True:
            read(f"{d}/f61")
    time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    yield os.waitpid(pid, 0)[1], got, seen, read(f"{d}/f62")


@case
def p31_closing(d):
    fd = os.open(f"{d}/f40", os.O_RDONLY)
    two = os.dup(fd)
    yield called("close", fd), called("close", fd), content(two), called("close", two), read(f"{d}/f41")
    os.unlink(f"{d}/f42")
    for name in os.listdir(d):
        os.unlink(f"{d}/{name}")
    yield tried(os.rmdir, d), tried(os.stat, d)


@case
def p32_debuggers_and_other_objects(d):
    for words in (["strace", "-f", "-o", "/dev/null"], ["env", "LD_BIND_NOW=1"],
                  ["env", "LD_PRELOAD=libm.so.6:" + os.environ.get("LD_PRELOAD", "")]):
        if shutil.which(words[0]):
            yield subprocess.run([*words, "cat", *(f"{d}/f{f}" for f in range(30, 60)), f"{d}/no1"], check=False,
                                 capture_output=True).stdout
    yield read(f"{d}/f40")
