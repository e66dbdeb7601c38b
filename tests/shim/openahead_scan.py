# SPDX-License-Identifier: MIT
"""openahead_scan.py DIR: opens files of DIR in order, in many ways, and prints all that a program can see of each.

DIR is made anew. What is printed must be the same with and without the preload object. Files are changed meanwhile by a
process that was started before, without the object, and tells when it is done.
"""
import ctypes
import errno
import fcntl
import hashlib
import os
import resource
import stat
import subprocess
import sys

TOP = sys.argv[1]
FILES = 130
libc = ctypes.CDLL(None, use_errno=True)

OTHER = """
import fcntl, os, sys
for line in sys.stdin:
    try:
        print(eval(line), flush=True)
    except OSError as error:
        print(error.errno, flush=True)
"""


def name_of(d, f):
    return f"{TOP}/{d}/f{f:03}"


def fill(d):
    os.makedirs(f"{TOP}/{d}")
    for f in range(FILES):
        with open(name_of(d, f), "w") as file:
            file.write(f"{d} {f}\n" * (f + 1))
    return d


def listed(d):
    return os.listdir(f"{TOP}/{d}")


def seen(fd):
    """All that can be seen of a descriptor, and that is the same in each run.

    Reading /proc might tell of something: nothing that was opened before would be handed out.
    """
    st = os.fstat(fd)
    return (fd, hex(fcntl.fcntl(fd, fcntl.F_GETFL)), fcntl.fcntl(fd, fcntl.F_GETFD), os.lseek(fd, 0, os.SEEK_CUR),
            os.readlink(f"/proc/self/fd/{fd}").removeprefix(TOP), oct(st.st_mode), st.st_size, st.st_nlink, st.st_uid,
            stat.S_ISREG(st.st_mode) and hashlib.md5(os.pread(fd, 1 << 20, 0)).hexdigest()[:8])


def try_open(path, flags=os.O_RDONLY, **more):
    """os.open() sets O_CLOEXEC: libc's own does as it is told."""
    ctypes.set_errno(0)
    fd = libc.openat(more.get("dir_fd", -100), os.fsencode(path), flags)
    if fd >= 0:
        return fd
    return errno.errorcode[ctypes.get_errno()]


def tell(what, got):
    line = f"{what} {seen(got) if isinstance(got, int) else got}"
    if isinstance(got, int):
        os.close(got)
    return line


def show(what, got):
    print(tell(what, got))


def orders():
    """Each order, each way to name a file, each flag."""
    ways = {"listed": list, "sorted": sorted, "by inode": None}
    flags = [0, os.O_CLOEXEC, os.O_NONBLOCK | os.O_NOCTTY, os.O_NOFOLLOW | os.O_CLOEXEC, os.O_NOFOLLOW | os.O_NONBLOCK]
    for number, (way, order) in enumerate(ways.items()):
        for name in ("absolute", "from a directory", "relative"):
            d = fill(f"{way} {name}")
            entries = listed(d)
            if order:
                entries = order(entries)
            else:
                entries.sort(key=lambda n: os.lstat(f"{TOP}/{d}/{n}").st_ino)
            at = os.open(f"{TOP}/{d}", os.O_RDONLY)
            os.chdir(f"{TOP}/{d}")
            lines = []
            for entry in entries:
                kind = flags[(int(entry[1:]) // 8 + number) % len(flags)]
                if name == "absolute":
                    lines.append(tell(entry, try_open(f"{TOP}/{d}/{entry}", kind)))
                else:
                    lines.append(tell(entry, try_open(entry, kind, **({"dir_fd": at} if name != "relative" else {}))))
            print(*sorted(lines), sep="\n")  # the order of inodes is another one each time
            os.close(at)
            os.chdir("/")


def scan(d, change=None, at=60, after=30):
    """Open files in order, change something, go on."""
    entries = sorted(listed(d))
    for entry in entries[:at]:
        show(entry, try_open(f"{TOP}/{d}/{entry}"))
    if change:
        print(change([f"{TOP}/{d}/{entry}" for entry in entries[at:]]))
    for entry in entries[at:at + after]:
        show(entry, try_open(f"{TOP}/{d}/{entry}"))


def changes(ask):
    """What another process does to the names that come next."""
    each = {
        "unlink": "os.unlink({0!r})",
        "replace": "open({1!r}, 'w').write('new'), os.rename({1!r}, {0!r})",
        "truncate": "os.truncate({0!r}, 1)",
        "append": "open({0!r}, 'a').write('more')",
        "write": "os.pwrite(os.open({0!r}, os.O_WRONLY), b'X', 0)",
        "chmod": "os.chmod({0!r}, 0o640)",
        "chown": "os.chown({0!r}, 1, 1)",
        "link": "os.link({0!r}, {1!r})",
        "symlink": "os.unlink({0!r}), os.symlink({2!r}, {0!r})",
        "loop": "os.unlink({0!r}), os.symlink({0!r}, {0!r})",
        "directory": "os.unlink({0!r}), os.mkdir({0!r})",
        "exchange": "os.rename({0!r}, {1!r}), os.rename({2!r}, {0!r}), os.rename({1!r}, {2!r})",
    }
    for what, text in each.items():
        d = fill(f"changed by {what}")

        def change(paths, text=text):
            for i in (0, 1, 3, 9):
                ask(text.format(paths[i], paths[i] + ".other", paths[i + 20]))
            return text.split("(")[0]
        scan(d, change)
    d = fill("moved away")
    scan(d, lambda paths: ask(f"os.rename({TOP + '/' + d!r}, {TOP + '/elsewhere'!r})"))
    d = fill("another in its place")
    fill("other")
    scan(d, lambda paths: ask(f"os.rename({TOP + '/' + d!r}, {TOP + '/kept'!r}), "
                              f"os.rename({TOP + '/other'!r}, {TOP + '/' + d!r})"))


def own_changes():
    """What the program itself does."""
    scan(fill("own unlink"), lambda paths: os.unlink(paths[0]))
    scan(fill("own rename"), lambda paths: os.rename(paths[1], paths[0]))
    scan(fill("own truncation"), lambda paths: os.truncate(paths[1], 3))

    def write(paths):
        with open(paths[0], "r+") as file:
            file.write("WRITTEN")
        return "written"
    scan(fill("own write"), write)
    d = fill("removed as a whole")

    def remove(paths):
        for entry in listed(d):
            os.unlink(f"{TOP}/{d}/{entry}")
        os.rmdir(f"{TOP}/{d}")
        return "removed"
    scan(d, remove)
    scan(fill("own child"), lambda paths: subprocess.run(["ls", "-l", "/proc/self/fd"], capture_output=True, check=True)
         .stdout.count(TOP.encode()))

    def child(paths):
        pid = os.fork()
        if not pid:
            for path in paths[:9]:
                show("child " + path.removeprefix(TOP), try_open(path))
            sys.stdout.flush()
            os._exit(0)
        return os.waitpid(pid, 0)[1]
    sys.stdout.flush()
    scan(fill("own fork"), child)


def limits():
    """No number is missing, and the limit is met where it is without us."""
    d = fill("kept open")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    fds = []
    for entry in sorted(listed(d)):
        got = try_open(f"{TOP}/{d}/{entry}")
        if not isinstance(got, int):
            print(entry, got, len(fds))
            break
        fds.append(got)
        if len(fds) % 7 == 6:
            os.close(fds.pop(0))
        print(got)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for fd in fds:
        show("kept", fd)


def locks(ask):
    """A file that is opened ahead and dropped keeps the program's lock."""
    d = fill("locked")
    paths = [f"{TOP}/{d}/{entry}" for entry in sorted(listed(d))]
    fd = os.open(paths[70], os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX)
    for path in paths[:66] + paths[76:100]:
        show("scan", try_open(path))
    os.unlink(paths[129])
    test = f"fcntl.lockf(open({paths[70]!r}, 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    print("locked", ask(test))
    os.close(fd)
    print("not locked", ask(test))


def rights():
    """Files of root only."""
    d = fill("of root")
    for entry in listed(d):
        os.chmod(f"{TOP}/{d}/{entry}", 0o600)

    def drop(paths):
        os.seteuid(65534)
        return "another user"
    scan(d, drop)
    os.seteuid(0)
    d = fill("below a new root")
    entries = sorted(listed(d))
    for entry in entries[:50]:
        show(entry, try_open(f"{TOP}/{d}/{entry}"))
    root = os.open("/", os.O_RDONLY)
    os.chroot(TOP)
    for entry in entries[50:60]:
        # there is no /proc to look into
        print(entry, [isinstance(got, int) and os.close(got) is None or got for got in
                      (try_open(f"{TOP}/{d}/{entry}"), try_open(f"/{d}/{entry}"))])
    os.fchdir(root)
    os.chroot(".")
    os.close(root)


def mounted():
    """Something is mounted over the directory."""
    if libc.unshare(0x20000) or libc.mount(b"none", b"/", None, 0x40000 | 0x4000, None):
        print("no mounts")
        return
    d = fill("mounted over")
    scan(d, lambda paths: libc.mount(b"none", os.fsencode(f"{TOP}/{d}"), b"tmpfs", 0, None))
    libc.umount2(os.fsencode(f"{TOP}/{d}"), 2)


def main():
    os.makedirs(TOP)
    env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    with subprocess.Popen([sys.executable, "-c", OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env=env) as other:
        def ask(text):
            other.stdin.write(text + "\n")
            other.stdin.flush()
            answer = other.stdout.readline().strip()
            return answer if "lockf" in text else "done"
        orders()
        changes(ask)
        own_changes()
        limits()
        locks(ask)
        rights()
        mounted()
        other.stdin.close()


main()
