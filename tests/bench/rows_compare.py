# SPDX-License-Identifier: MIT
"""Rows of docs/comparison.md: other caches, on the same files. `--json` tells the times of all sides.

"mount" is an origin of 2 ms and 200 MB/s; "cache" the same below rawcache; "vmtouch" the same with
the kernel's page cache filled and kept; "rclone", "rclone_off" and "rclone_cache" are rclone over
local files with its cache, without, and below rawcache; "sshfs" and "sshfs_cache" are sshfs to a
server on this machine, without a network or ssh between; "erofs" and "squashfs" are images on loop
devices.
"""
import os
import shutil
import socket
import subprocess
import sys
import time

from whole import SCALE, Skip, row

SIZE = int((64 << 20) * SCALE)
READS = """
import os, random, sys, time
what, top = sys.argv[1:]
names = sorted(os.listdir(top + "/small"))
random.seed(7)
def order():
    fd = os.open(top + "/large", os.O_RDONLY)
    while os.read(fd, 262144):
        pass
    os.close(fd)
def at_random():
    fd = os.open(top + "/large", os.O_RDONLY)
    size = os.fstat(fd).st_size
    for _ in range(3000):
        os.pread(fd, 4096, random.randrange(size - 4096))
    os.close(fd)
def small():
    for name in names:
        fd = os.open(top + "/small/" + name, os.O_RDONLY)
        os.read(fd, 65536)
        os.close(fd)
start = time.monotonic()
{"order": order, "random": at_random, "small": small}[what]()
print(time.monotonic() - start)
"""


def files(directory):
    """A file of 64 MiB and 200 of 8 KB."""
    os.makedirs(f"{directory}/small")
    with open(f"{directory}/large", "wb") as f:
        f.write(os.urandom(SIZE))
    for i in range(200):
        with open(f"{directory}/small/{i}", "wb") as f:
            f.write(os.urandom(8000))


def reader(what, top, env=None):
    """A side: a new process reads, and tells how long that took it."""
    def run():
        told = subprocess.run([sys.executable, "-c", READS, what, top], check=True, text=True,
                              stdout=subprocess.PIPE, env={**os.environ, **(env or {})}).stdout
        return {"wall": float(told)}
    return run


def point_new(bench):
    point = f"{bench.work}/mnt{len(bench.mounts)}"
    os.makedirs(point)
    return point


def packed(bench, maker, *words):
    """An image of the local files, made by `maker` with `words` and mounted."""
    if os.geteuid() or not shutil.which(maker):
        raise Skip(f"needs root and {maker}")
    image = f"{bench.work}/{maker}.img"
    bench.call(maker, *(word.format(image=image, files=bench.local) for word in words),
               stderr=subprocess.DEVNULL)
    point = point_new(bench)
    bench.call("mount", "-o", "loop,ro", image, point)
    bench.mounts.append(point)
    return point


def rclone_off(bench):
    point = point_new(bench)
    bench.call("rclone", "mount", "--daemon", f":local:{bench.cached}", point)
    bench.mounts.append(point)
    return point


def sshfs(bench):
    server = "/usr/lib/openssh/sftp-server"
    if not shutil.which("sshfs") or not os.path.exists(server):
        raise Skip("needs sshfs and sftp-server")
    point = point_new(bench)
    one, other = socket.socketpair()
    # both end when the mount does
    # pylint: disable=consider-using-with
    subprocess.Popen([server], stdin=one, stdout=one)
    subprocess.Popen(["sshfs", "-f", "-o", "passive", f":{bench.cached}", point], stdin=other,
                     stdout=other)
    one.close()
    other.close()
    bench.mounts.append(point)
    while not os.path.ismount(point):
        time.sleep(0.05)
    return point


def compared(bench, what):
    files(bench.local)
    shutil.copytree(bench.local, bench.cached, dirs_exist_ok=True)
    slow = ("--latency=2", "--bandwidth=200M")
    mount = bench.origin(bench.cached, *slow)
    kept = bench.origin(bench.cached, *slow, "--keep-cache", "--attr-timeout=60", "--entry-timeout=60")
    cloned, plain = bench.rclone(bench.cached), rclone_off(bench)
    bench.fresh()
    bench.warm(mount)
    trusted = {**bench.environment(cloned), "RAWCACHE_TRUST": "1"}
    sides = {"local": reader(what, bench.local), "mount": reader(what, mount),
             "cache": reader(what, mount, bench.environment(mount)),
             "rclone": reader(what, cloned), "rclone_off": reader(what, plain),
             "rclone_cache": reader(what, cloned, trusted)}
    if shutil.which("vmtouch"):
        bench.call("vmtouch", "-t", kept)
        sides["vmtouch"] = reader(what, kept)
    try:
        over = sshfs(bench)
        sides["sshfs"] = reader(what, over)
        sides["sshfs_cache"] = reader(what, over, bench.environment(over))
    except Skip:
        pass
    for name, *words in (("erofs", "mkfs.erofs", "{image}", "{files}"),
                         ("squashfs", "mksquashfs", "{files}", "{image}", "-quiet", "-no-progress")):
        try:
            sides[name] = reader(what, packed(bench, *words))
        except Skip:
            pass
    return sides


@row("in order, 64 MiB: other caches, see rows_compare.py", rounds=5)
def row_compare_order(bench):
    return compared(bench, "order")


@row("3000 reads of 4 KiB at random: other caches", rounds=5)
def row_compare_random(bench):
    return compared(bench, "random")


@row("200 files of 8 KB: other caches", rounds=5)
def row_compare_small(bench):
    return compared(bench, "small")
