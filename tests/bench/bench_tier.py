# SPDX-License-Identifier: MIT
"""Nodes that share a tier: time of each, and bytes of the origin, as a multiple of the file.

usage: bench_tier.py BUILD WORK SOURCE [--json] [ROW]...
--json: the table goes to standard error, and JSON to standard output.
Each node is an image and an origin mount of its own (2 ms, 200 MB/s) and a program (tier_read.c) with 8 threads
that compares every byte with a local copy. BENCH_BYTES is the file's size, BENCH_NODES the numbers of nodes that read
at once: 2 4 8. BENCH_READS=FILE: each read of a row's last node, as JSON in FILE.ROW: see tier_read.c.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

build, work, source = sys.argv[1:4]
as_json = "--json" in sys.argv[4:5]
rows = sys.argv[5 if as_json else 4:]
figures = []
runtime = os.environ["RAWCACHE_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="rawcache-bench-", dir="/dev/shm")
size = int(os.environ.get("BENCH_BYTES", 256 << 20))
rawcache, origin = build + "/rawcache", build + "/tests/origin/origin"
file = work + "/back/file"
fakes = "drip stall garbage noise huge random short opaque cut lease full late line unasked".split()
children, mounts, servers = [], [], []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    for _ in range(200):
        with socket.socket() as s:
            if not s.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.02)
    sys.exit("a server does not listen")


def start(*command):
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    children.append(child)
    return child


def end(child):
    child.kill()
    child.wait()
    children.remove(child)


def memcached():
    port = free_port()
    child = start("memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(port), "-m", "1024", "-t", "4")
    listens(port)
    servers.append((child, "127.0.0.1:%d" % port))


def fresh_servers():
    for child, _ in list(servers):
        child.send_signal(signal.SIGCONT)
        end(child)
    servers.clear()
    for _ in range(3):
        memcached()


def connected():
    """Connections to the servers, of all nodes."""
    ports = {int(address.rsplit(":", 1)[1]) for _, address in servers}
    with open("/proc/net/tcp") as f:
        lines = [line.split() for line in f][1:]
    return sum(line[3] == "01" and int(line[2].split(":")[1], 16) in ports for line in lines)


def stat(mount):
    with open(mount + "/.origin/stats") as f:
        return int(dict(line.split(None, 1) for line in f)["read_bytes"])


def busy(pid):
    """Seconds of the processors that a process and its threads have used."""
    with open("/proc/%d/stat" % pid) as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def serves(mount):
    """The process that serves a mount: it has left us."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid) as f:
                if f.read().split("\0")[-2:-1] == [mount]:
                    return int(pid)
        except OSError:
            continue
    sys.exit("nobody serves " + mount)


class Node:
    def __init__(self, n):
        self.mount, self.image = "%s/m%d" % (work, n), "%s/%d.img" % (work, n)
        os.mkdir(self.mount)
        subprocess.run([origin, "--latency=2", "--bandwidth=200M", "--direct-io", work + "/back", self.mount],
                       check=True)
        mounts.append(self.mount)
        self.server = serves(self.mount)

    used, looked = [], 0

    def begin(self, addresses, seed=-1, fresh=True, halfway=()):
        """`halfway`: a process and a signal, which it gets when half of the file has been read."""
        # memory that was the page cache of another's image is there again: first touches are dear in a virtual machine
        for node in [n for n in Node.used if n is not self and n.child.poll() is not None]:
            os.unlink(node.image)
            Node.used.remove(node)
        if self not in Node.used:
            Node.used.append(self)
        if fresh:
            subprocess.run([rawcache, "format", "--force", "--size", "%d" % (size + (128 << 20)), self.image],
                           check=True, stdout=subprocess.DEVNULL)
            self.counted = {}
        env = dict(os.environ, RAWCACHE_TIER=addresses, RAWCACHE_TIER_KEY=work + "/key",
                   RAWCACHE_TIER_NAME=self.mount + "=bench")
        self.before = stat(self.mount)
        self.served, self.others = busy(self.server), {child.pid: busy(child.pid) for child, _ in servers}
        self.child = subprocess.Popen(
            [rawcache, "run", "--path", self.mount, "--cache", self.image, "--",
             build + "/tests/bench/tier_read", self.mount + "/file", file, str(seed), *map(str, halfway)],
            env=env, stdout=subprocess.PIPE, text=True)

    def finish(self):
        self.connections = 0
        while self.child.poll() is None:
            # seldom: /proc/net/tcp takes a processor for 3 ms
            if time.monotonic() > Node.looked + 0.3:
                Node.looked = time.monotonic()
                self.connections = connected()
            time.sleep(0.02)
        out = self.child.communicate()[0]
        if self.child.returncode:
            sys.exit("a node has wrong bytes, or failed")
        self.seconds, self.cpu, self.memory, *self.reads = map(float, out.split())
        self.share = (stat(self.mount) - self.before) / size
        self.served = busy(self.server) - self.served
        self.others = sum(busy(pid) - before for pid, before in self.others.items() if os.path.exists("/proc/%d" % pid))
        totals = subprocess.run([rawcache, "stat", "--json", "--cache", self.image], check=True, stdout=subprocess.PIPE)
        now = json.loads(totals.stdout)["totals"]
        self.totals = {k: v - self.counted.get(k, 0) for k, v in now.items() if k.startswith("tier_")}
        self.counted = {k: v for k, v in now.items() if k.startswith("tier_")}
        return self


def show(name, nodes, base=None):
    seconds = max(n.seconds for n in nodes)
    names = ("gets hits puts leases_won lease_waits lease_vain lease_refused hedged timeouts hedge_lost skipped unpaid "
             "put_dropped lease_wait_us errors bad").split()
    counts = {c: sum(n.totals["tier_" + c] for n in nodes) for c in names}
    row = {"name": name, "seconds": seconds, "of_base": seconds / base if base else None,
           "origin": sum(n.share for n in nodes),
           # median, slowest hundredth and slowest of the first half of the file, then of the second
           "reads_ms": [1000 * max(n.reads[i] for n in nodes) for i in range(6)],
           "cpu_s_per_gb": sum(n.cpu for n in nodes) / len(nodes) / size * 1e9,
           # of the nodes' programs, their origins and the servers, which the first node has seen from its beginning
           "processors": (sum(n.cpu + n.served for n in nodes) + nodes[0].others) / seconds,
           "memory_mib": max(n.memory for n in nodes) / 1024,
           "connections": max(n.connections for n in nodes) / len(nodes), **counts}
    figures.append(row)
    if os.environ.get("BENCH_READS"):
        os.rename(os.environ["BENCH_READS"], os.environ["BENCH_READS"] + "." + name.replace(" ", "-"))
    print("%-34s %6.2f s %8s  origin %5.3f x  reads %4.1f %4.1f %4.1f, %4.1f %4.1f %4.1f ms  cpu %4.2f s/GB"
          "  %3.1f cpus  %3.0f MiB  %2.0f conns  %s" % (
        name, seconds, "%5.2f x" % row["of_base"] if base else "", row["origin"],
        *row["reads_ms"],
        row["cpu_s_per_gb"], row["processors"], row["memory_mib"], row["connections"],
        " ".join("%s %d" % c for c in counts.items() if c[1])), file=sys.stderr if as_json else sys.stdout, flush=True)
    return seconds


def speed(node, share=1):
    with open(node.mount + "/.origin/control", "w") as f:
        f.write("bandwidth %d\n" % (200000000 // share))


def one(node, addresses):
    speed(node)
    node.begin(addresses)
    return node.finish()


def at_once(nodes, addresses, shuffled=False):
    """All origins together have 200 MB/s."""
    for node in nodes:
        speed(node, len(nodes))
    for i, node in enumerate(nodes):
        node.begin(addresses, i if shuffled else -1)
    return [node.finish() for node in nodes]


def main():
    os.mkdir(work + "/back")
    with open(file, "wb") as f:
        for _ in range(size >> 20):
            f.write(os.urandom(1 << 20))
    os.utime(file, (time.time() - 3600,) * 2)
    with open(os.open(work + "/key", os.O_CREAT | os.O_WRONLY, 0o600), "wb") as f:
        f.write(os.urandom(32))
    nodes = [Node(n) for n in range(8)]
    time.sleep(3)
    wanted = lambda name: not rows or name in rows
    all_of = lambda: ",".join(address for _, address in servers)
    alone = show("no tier, one node", [one(nodes[0], "")])
    if wanted("turn"):
        fresh_servers()
        for n, node in enumerate(nodes):
            show("in turn, node %d" % (n + 1), [one(node, all_of())], alone)
        nodes[7].begin(all_of(), fresh=False)
        show("a warm node", [nodes[7].finish()], alone)
    if wanted("once"):
        for count in map(int, os.environ.get("BENCH_NODES", "2 4 8").split()):
            without = show("no tier, %d at once" % count, at_once(nodes[:count], ""))
            for shuffled in False, True:
                fresh_servers()
                show("%d at once, %s" % (count, "shuffled" if shuffled else "same order"),
                     at_once(nodes[:count], all_of(), shuffled), without)
    for name, what in ("killed", signal.SIGKILL), ("stopped", signal.SIGSTOP):
        if not wanted(name):
            continue
        fresh_servers()
        for node in nodes[0], nodes[2]: # what one has not put, the other does
            one(node, all_of())
        speed(nodes[1])
        nodes[1].begin(all_of(), halfway=(servers[0][0].pid, int(what)))
        show("warm, one of three %s halfway" % name, [nodes[1].finish()], alone)
        show("the next node", [one(nodes[2], all_of())], alone)
    for mode in fakes:
        if not wanted(mode) and not wanted("fakes"):
            continue
        port = free_port()
        child = start(sys.executable, source + "/tests/faults/tier_fake.py", mode, str(port))
        listens(port)
        without = one(nodes[0], "").seconds
        show("cold, the server is wrong: " + mode, [one(nodes[0], "127.0.0.1:%d" % port)], without)
        end(child)


try:
    main()
    if as_json:
        print(json.dumps({"bench": "tier", "bytes": size, "rows": figures}))
finally:
    for child, _ in servers:
        child.send_signal(signal.SIGCONT)
    for child in list(children):
        end(child)
    for mount in mounts:
        subprocess.run(["fusermount3", "-u", "-z", mount])
    shutil.rmtree(runtime)
