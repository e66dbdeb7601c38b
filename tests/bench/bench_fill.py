# SPDX-License-Identifier: MIT
"""What fills cost, on the slow origin of the tests: bench_fill.py BUILD WORK [--json] [PART]...

Each figure is a ratio of two sides that were measured in turns in one run, the best round of
each. Parts: pass (first reads of a file, read-ahead on and off), herd (many processes on one
cold file), tree (many small files), hit (latency of hits while another process fills), random
(bytes asked of the origin for small random reads). BENCH_ROUNDS (3) and BENCH_SCALE (1: full
size; 0.1: a tenth) make it shorter.
"""
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

MIB = 1 << 20
ORIGINS = {"2ms_200M": ("2", "200M", 64), "0.2ms": ("0.2", "0", 256)}
PROGRAMS = {
    "cat": 'cat "$1"',
    "dd_4k": 'dd if="$1" bs=4k status=none',
    "python3": 'python3 -c "import sys\n'
    'for b in iter(lambda f=open(sys.argv[1], \'rb\'): f.read(65536), b\'\'): pass" "$1"',
    "tar": 'tar -C "${1%/*}" -c "${1##*/}"',
}
HERD = 64


class Bench:
    def __init__(self, build, work, as_json):
        self.rawcache = build + "/rawcache"
        self.hit = build + "/tests/bench/bench_hit"
        self.work, self.as_json = work, as_json
        self.back, self.mnt = work + "/back", work + "/mnt"
        self.image = work + "/cache.img"
        self.rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
        self.scale = float(os.environ.get("BENCH_SCALE", "1"))
        os.makedirs(self.back)
        os.makedirs(self.mnt)
        subprocess.run([build + "/tests/origin/origin", self.back, self.mnt], check=True)

    def close(self):
        info = subprocess.run([self.rawcache, "info", "--json", "--cache", self.image],
                              capture_output=True, check=False)
        if not info.returncode:
            segment = "/dev/shm/rawcache-" + json.loads(info.stdout)["image"]["uuid"]
            if os.path.exists(segment):
                os.unlink(segment)
        subprocess.run(["fusermount3", "-u", "-z", self.mnt], check=False)

    # --- the origin
    def control(self, *lines):
        with open(self.mnt + "/.origin/control", "w") as f:
            f.write("\n".join(lines) + "\n")

    def count(self, name):
        with open(self.mnt + "/.origin/stats") as f:
            return next(int(line.split()[1]) for line in f if line.split()[0] == name)

    def slow(self, origin):
        latency, bandwidth, _ = ORIGINS[origin]
        self.control(f"latency {latency}", f"bandwidth {bandwidth}")

    # --- files
    def file(self, name, size):
        path = f"{self.back}/{name}"
        size = max(int(size), MIB)
        if os.path.exists(path):
            return f"{self.mnt}/{name}"
        with open(path, "wb") as f:
            while size:
                n = min(size, 8 * MIB)
                f.write(os.urandom(n))
                size -= n
        time.sleep(2.2)  # younger files are not stored
        return f"{self.mnt}/{name}"

    def fresh(self, size="2G"):
        os.sync()
        subprocess.run([self.rawcache, "format", "--force", "--yes", "--size", size, self.image],
                       check=True, stdout=subprocess.DEVNULL)

    # --- runs
    def command(self, argv, cached):
        run = [self.rawcache, "run", "--path", self.mnt, "--cache", self.image, "--"]
        return (run if cached else []) + argv

    def start(self, argv, cached=True, readahead=None, stdout=subprocess.DEVNULL):
        env = dict(os.environ)
        if readahead is not None:
            env["RAWCACHE_READAHEAD"] = readahead
        return subprocess.Popen(self.command(argv, cached), stdout=stdout, env=env,
                                start_new_session=True)

    def seconds(self, argv, **how):
        start = time.monotonic()
        if self.start(argv, **how).wait():
            sys.exit(f"failed: {argv}")
        return time.monotonic() - start

    def say(self, **row):
        if self.as_json:
            print(json.dumps({"bench": "fill", **row}), flush=True)
        else:
            print("  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}"
                            for k, v in row.items()), flush=True)

    # --- parts
    def part_pass(self):
        """A first read by usual programs against the same without the shim."""
        for origin, (_, _, size) in ORIGINS.items():
            path = self.file(f"file{size}", size * MIB * self.scale)
            self.slow(origin)
            for name, script in PROGRAMS.items():
                self.pass_one(origin, name, ["sh", "-c", script + " | cat >/dev/null"
                                             if name == "tar" else script, "sh", path])

    def pass_one(self, origin, name, argv):
        best = dict.fromkeys(("native", "ahead", "alone"), 1e9)
        for _ in range(self.rounds):
            for side in best:
                if side != "native":
                    self.fresh()
                took = self.seconds(argv, cached=side != "native",
                                    readahead="0" if side == "alone" else None)
                best[side] = min(best[side], took)
        self.say(part="pass", origin=origin, program=name, native_s=best["native"],
                 ratio=best["native"] / best["ahead"],
                 ratio_without_readahead=best["native"] / best["alone"])

    def herd_run(self, count, path):
        start = time.monotonic()
        readers = [self.start(["cat", path]) for _ in range(count)]
        if any([reader.wait() for reader in readers]):
            sys.exit("herd: a reader failed")
        return time.monotonic() - start

    def part_herd(self):
        """64 processes on one cold file against one; and on a warm one, which is the floor."""
        size = max(int(1024 * MIB * self.scale), MIB)
        path = self.file("herd", size)
        self.slow("2ms_200M")
        best = dict.fromkeys(("one", "herd", "one_warm", "herd_warm"), 1e9)
        asked = 0
        for _ in range(self.rounds):
            self.fresh()
            best["one"] = min(best["one"], self.herd_run(1, path))
            best["one_warm"] = min(best["one_warm"], self.herd_run(1, path))
            self.fresh()
            before = self.count("read_bytes")
            best["herd"] = min(best["herd"], self.herd_run(HERD, path))
            asked = max(asked, self.count("read_bytes") - before)
            best["herd_warm"] = min(best["herd_warm"], self.herd_run(HERD, path))
        self.say(part="herd", processes=HERD, bytes=asked / size,
                 time=best["herd"] / best["one"], time_warm=best["herd_warm"] / best["one"],
                 one_s=best["one"], herd_s=best["herd"], one_warm_s=best["one_warm"],
                 herd_warm_s=best["herd_warm"])

    def tree_make(self):
        random.seed(1)
        for i in range(max(int(20000 * self.scale), 100)):
            directory = f"{self.back}/tree/{i // 500}"
            os.makedirs(directory, exist_ok=True)
            with open(f"{directory}/{i}", "wb") as f:
                f.write(os.urandom(random.randrange(1024, 50 * 1024)))
        shutil.copytree(self.back + "/tree", self.work + "/local", symlinks=True)
        time.sleep(2.2)

    def requests(self):
        """What the kernel asks for by itself, and what it does not ask again within a second."""
        return {name: self.count(name) for name in ("lookup", "getattr", "open", "read")}

    def part_tree(self):
        """Small files: the first pass, the second, and what it asks of the origin."""
        self.tree_make()
        self.slow("0.2ms")
        script = 'find "$1" -type f -exec cat {} +'
        on_origin = ["sh", "-c", script, "sh", self.mnt + "/tree"]
        on_disk = ["sh", "-c", script, "sh", self.work + "/local"]
        opening = [sys.executable, "-c", "import os, sys\n"
                   "for d, _, names in os.walk(sys.argv[1]):\n"
                   " for n in names: os.close(os.open(d + '/' + n, os.O_RDONLY))"]
        best = dict.fromkeys(("native", "first", "second", "local", "opens", "local_opens"), 1e9)
        asked = {}
        for _ in range(self.rounds):
            self.fresh("2G")
            for side, argv, cached in (
                    ("native", on_origin, False), ("first", on_origin, True),
                    ("second", on_origin, True), ("local", on_disk, False),
                    ("opens", opening + [self.mnt + "/tree"], False),
                    ("local_opens", opening + [self.work + "/local"], False)):
                before = self.requests()
                best[side] = min(best[side], self.seconds(argv, cached=cached))
                after = self.requests()
                asked[side] = {k: after[k] - before[k] for k in after}
        share = best["local"] + best["opens"] - best["local_opens"]
        self.say(part="tree", first=best["native"] / best["first"],
                 second=share / best["second"], native_s=best["native"], first_s=best["first"],
                 second_s=best["second"], local_s=best["local"], opens_s=best["opens"],
                 **{f"{name}_added": asked["second"][name] - asked["native"][name]
                    for name in ("lookup", "getattr", "open")},
                 read_second=asked["second"]["read"])

    def hit_run(self, path):
        reader = self.start([self.hit, path, "2"], stdout=subprocess.PIPE)
        out = reader.communicate()[0].split()
        if reader.returncode:
            sys.exit("hit: the reader failed")
        return int(out[1]), int(out[2])

    def part_hit(self):
        """99 of 100 hits take how long, while another process fills at full speed?"""
        hot = self.file("hot", 64 * MIB * self.scale)
        cold = self.file("herd", 1024 * MIB * self.scale)
        self.slow("0.2ms")
        p50, p99 = {"quiet": 1 << 60, "filling": 1 << 60}, {"quiet": 1 << 60, "filling": 1 << 60}
        for _ in range(self.rounds):
            self.fresh("512M")
            for side in p99:
                filler = None
                if side == "filling":
                    filler = self.start(["sh", "-c", 'while :; do cat "$1"; done', "sh", cold])
                figures = self.hit_run(hot)
                if filler:
                    os.killpg(filler.pid, signal.SIGKILL)
                    filler.wait()
                p50[side] = min(p50[side], figures[0])
                p99[side] = min(p99[side], figures[1])
        self.say(part="hit", ratio=p99["filling"] / p99["quiet"], quiet_p50_ns=p50["quiet"],
                 quiet_p99_ns=p99["quiet"], filling_p50_ns=p50["filling"],
                 filling_p99_ns=p99["filling"])

    def part_random(self):
        """Random reads of 4 KiB of a file much larger than the cache."""
        path = self.mnt + "/huge"
        with open(self.back + "/huge", "wb") as f:
            f.truncate(4096 * MIB)
        time.sleep(2.2)
        self.slow("0.2ms")
        self.fresh("64M")
        count = max(int(20000 * self.scale), 1000)
        before = self.count("read_bytes")
        self.seconds([sys.executable, "-c", "import os, random, sys\n"
                      "f = os.open(sys.argv[1], os.O_RDONLY)\n"
                      "for _ in range(int(sys.argv[2])):\n"
                      " os.pread(f, 4096, random.randrange(1 << 20) << 12)", path, str(count)])
        self.say(part="random", reads=count,
                 amplification=(self.count("read_bytes") - before) / (count * 4096))


def main():
    names = [a for a in sys.argv[3:] if a != "--json"]
    bench = Bench(sys.argv[1], sys.argv[2], "--json" in sys.argv)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    try:
        for name in names or ["pass", "herd", "tree", "hit", "random"]:
            getattr(bench, "part_" + name)()
    finally:
        bench.close()


main()
