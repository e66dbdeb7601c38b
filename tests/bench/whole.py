# SPDX-License-Identifier: MIT
"""Whole programs in new processes, side by side: whole.py BUILD WORK [--json] [ROW]...

A row is a function below @row in a file rows_*.py beside this one. It gets the Bench, prepares
its files once and returns its sides by name: "local" (a copy on the local disk), "mount" (the
same mount without the cache), "rclone" (where installed) and "cache". A side is a Side, or a
function that returns a figure by itself. The sides run in turns, none always first, BENCH_ROUNDS
times after one run that does not count; of each the median and the best are told, in wall-clock
time and in the processor time of the process and its children.

What is held against the target is a Figure of the row: by default local / cache of the medians.
"""
import importlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
SCALE = float(os.environ.get("BENCH_SCALE", "1"))
ROWS = {}


class Skip(Exception):
    """The row cannot be measured here, and why."""


class Side:
    """A program to start `times` times in a run, with changes to the environment."""

    def __init__(self, argv, env=None, times=1):
        self.argv, self.times = argv, times
        self.env = {**os.environ, **(env or {})}
        self.file = shutil.which(argv[0])
        if not self.file:
            raise Skip(f"{argv[0]} is not installed")

    def run(self):
        """Seconds of wall clock and of processor time, each start."""
        quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        processor = 0
        start = time.monotonic()
        for _ in range(self.times):
            pid = os.posix_spawn(self.file, self.argv, self.env, file_actions=quiet)
            _, status, usage = os.wait4(pid, 0)
            if status:
                raise RuntimeError(f"{self.argv} ended with status {status}")
            processor += usage.ru_utime + usage.ru_stime
        return {"wall": (time.monotonic() - start) / self.times,
                "processor": processor / self.times}


def ratio(over, under, what="wall"):
    """How many times as fast `under` is as `over`: the larger the better."""
    return lambda figures: figures[over][what] / figures[under][what]


def share(over, under, what="processor"):
    """What `over` takes of what `under` takes: the smaller the better."""
    return lambda figures: figures[over][what] / figures[under][what]


def more(over, under, what="wall", unit=1e3):
    """What `over` takes more than `under`, in milliseconds: the smaller the better."""
    return lambda figures: (figures[over][what] - figures[under][what]) * unit


def row(text, figure=None, least=None, most=None, unit="x", rounds=None):
    """Register a row: what it is, the figure of it, and what that must reach."""
    def register(function):
        name = function.__name__.removeprefix("row_")
        ROWS[name] = {"function": function, "text": text, "least": least, "most": most,
                      "unit": unit, "figure": figure or ratio("local", "cache"),
                      "rounds": rounds or ROUNDS}
        return function
    return register


class Bench:
    """What rows share: directories, the image, the origin and programs of the build."""

    def __init__(self, build, work):
        self.build, self.work = build, work
        self.rawcache = f"{build}/rawcache"
        self.preload = f"{build}/.libs/librawcache-preload.so"
        self.image, self.mounts = f"{work}/cache.img", []
        self.cached, self.local = f"{work}/cached", f"{work}/local"
        for directory in (self.cached, self.local):
            os.makedirs(directory, exist_ok=True)

    def call(self, *argv, **how):
        return subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, **how)

    def program(self, name):
        """A program of the build tree, made now if need be."""
        self.call("make", "-s", "-C", self.build, name)
        return f"{self.build}/{name}"

    def fresh(self, size="512M", *options):
        self.segment_remove()
        self.call(self.rawcache, "format", "--force", "--yes", "--size", size, *options,
                  self.image)

    def file(self, name, size):
        """The same `size` random bytes below cached/ and local/; both paths."""
        paths = [f"{directory}/{name}" for directory in (self.cached, self.local)]
        os.makedirs(os.path.dirname(paths[0]), exist_ok=True)
        os.makedirs(os.path.dirname(paths[1]), exist_ok=True)
        with open(paths[0], "wb") as f:
            while size:
                n = min(size, 8 << 20)
                f.write(os.urandom(n))
                size -= n
        shutil.copyfile(*paths)
        return paths

    def settle(self):
        time.sleep(2.2)  # younger files are not stored

    def warm(self, *paths):
        self.settle()
        self.call(self.rawcache, "warm", "--cache", self.image, *paths)

    def environment(self, directory=None):
        """What `rawcache run` would set, for a Side that starts without it."""
        return {"LD_PRELOAD": self.preload, "RAWCACHE_DEVICE": self.image,
                "RAWCACHE_PATHS": directory or self.cached}

    def origin(self, backing, *options):
        """The test's own file system over `backing`; its mount point."""
        point = f"{self.work}/mnt{len(self.mounts)}"
        os.makedirs(point)
        self.call(self.program("tests/origin/origin"), *options, backing, point)
        self.mounts.append(point)
        return point

    def rclone(self, backing):
        """An rclone mount over `backing` with a cache of its own; its mount point."""
        if not shutil.which("rclone"):
            raise Skip("rclone is not installed")
        point = f"{self.work}/mnt{len(self.mounts)}"
        os.makedirs(point)
        self.call("rclone", "mount", "--daemon", "--vfs-cache-mode", "full",
                  "--vfs-fast-fingerprint", "--cache-dir", f"{self.work}/rclone",
                  f":local:{backing}", point)
        self.mounts.append(point)
        return point

    def segment_remove(self):
        info = subprocess.run([self.rawcache, "info", "--json", "--cache", self.image],
                              capture_output=True, check=False)
        if not info.returncode:
            uuid = json.loads(info.stdout)["image"]["uuid"]
            pathlib.Path(f"/dev/shm/rawcache-{uuid}").unlink(missing_ok=True)

    def tidy(self):
        """Between rows: nothing of one is found by the next."""
        for point in self.mounts:
            if subprocess.run(["fusermount3", "-u", "-z", point], check=False,
                              stderr=subprocess.DEVNULL).returncode:
                subprocess.run(["umount", "-l", point], check=False)
        self.mounts = []
        self.segment_remove()
        for entry in os.scandir(self.work):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
        os.makedirs(self.cached)
        os.makedirs(self.local)


def runs_of(sides, rounds):
    """A list of each side's runs; the first of each is not in it."""
    runs = {name: [] for name in sides}
    names = list(sides)
    for turn in range(rounds + 1):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            side = sides[name]
            runs[name].append(side.run() if isinstance(side, Side) else side())
    return {name: list_of[1:] for name, list_of in runs.items()}


def summarise(runs, how):
    return {name: {what: how([run[what] for run in list_of]) for what in list_of[0]}
            for name, list_of in runs.items()}


def measure(bench, name):
    entry = ROWS[name]
    runs = runs_of(entry["function"](bench), entry["rounds"])
    sides = {"median": summarise(runs, statistics.median), "best": summarise(runs, min)}
    result = {"bench": "whole", "row": name, "text": entry["text"], "unit": entry["unit"],
              "rounds": entry["rounds"], "sides": sides,
              **{how: entry["figure"](figures) for how, figures in sides.items()}}
    for bound in ("least", "most"):
        if entry[bound] is not None:
            result[bound] = entry[bound]
    result["reached"] = (result["median"] >= result.get("least", float("-inf")) and
                         result["median"] <= result.get("most", float("inf")))
    return result


def told(result):
    target = (f">= {result['least']:g}" if "least" in result else
              f"<= {result['most']:g}" if "most" in result else "")
    return (f"{result['row']:16} {result['median']:9.3f} {result['best']:9.3f} "
            f"{target:>9} {result['unit']:3} {'yes' if result['reached'] else 'no':4} "
            f"{result['text']}")


def main():
    names = [a for a in sys.argv[3:] if not a.startswith("--")]
    as_json = "--json" in sys.argv
    sys.modules["whole"] = sys.modules["__main__"]  # rows import this very module
    for path in sorted(HERE.glob("rows_*.py")):
        importlib.import_module(path.stem)
    unknown = [name for name in names if name not in ROWS]
    if unknown or "--list" in sys.argv:
        print("\n".join(f"{name:16} {entry['text']}" for name, entry in ROWS.items()))
        return 2 if unknown else 0
    bench = Bench(sys.argv[1], sys.argv[2])
    if not as_json:
        print(f"{'row':16} {'median':>9} {'best':>9} {'target':>9} {'':3} {'':4} what")
    for name in names or ROWS:
        bench.tidy()
        try:
            result = measure(bench, name)
            print(json.dumps(result) if as_json else told(result), flush=True)
        except Skip as why:
            print(json.dumps({"bench": "whole", "row": name, "skipped": str(why)}) if as_json
                  else f"{name:16} skipped: {why}", flush=True)
        finally:
            bench.tidy()
    return 0


if __name__ == "__main__":
    sys.exit(main())
