# SPDX-License-Identifier: MIT
"""Programs that look for many names, on the slow origin of the tests: names.py BUILD WORK [--json] [ROW]...

Each side has a mount of its own: the origin alone, the cache, the cache with names, the same with files opened ahead,
a frozen tree. The program runs three times; before each run all that the kernel remembers of the mount has run out. (A
mount that is made anew is another one, whose names are learnt anew.) The last run is told, with the origin's own counts
of requests, next to the same program on a local copy.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

LATENCY_MS = float(os.environ.get("BENCH_NAMES_MS", "2"))
IMAGES = int(os.environ.get("BENCH_IMAGES", "5000"))  # a number that 4 divides
KINDS = ["lookup", "getattr", "open", "readdir", "read", "other"]
ROWS = {}
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"  # the one of python3-numpy
NEEDS = {"python": "python3", "numpy": "python3", "science": "python3", "images": "python3", "eslint": "npm"}


def row(function):
    """A row makes its files below a directory, and returns a function from that place to a shell command."""
    ROWS[function.__name__.removeprefix("row_")] = function
    return function


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@row
def row_gcc(tree):
    """30 files, each with 80 headers in the last of 4 directories and its own."""
    for d in range(4):
        (tree / f"i{d}").mkdir(parents=True)
    for h in range(80):
        write(tree / "i3" / f"h{h}.h", f"static inline int h{h}(void) {{ return {h}; }}\n")
    includes = "".join(f'#include "h{h}.h"\n' for h in range(80))
    for f in range(30):
        write(tree / "src" / f"f{f}.c", f"{includes}int f{f}(void) {{ return h{f}(); }}\n")
    return lambda at: (f"cd {at}/src && for f in *.c; do gcc -I../i0 -I../i1 -I../i2 -I../i3 -fsyntax-only $f "
                       "|| exit 1; done")


@row
def row_perl(tree):
    """120 modules in the last of 6 directories of @INC."""
    for d in range(6):
        (tree / f"l{d}" / "My").mkdir(parents=True)
    for m in range(120):
        write(tree / "l5" / "My" / f"M{m}.pm", f"package My::M{m};\nsub n {{ {m} }}\n1;\n")
    write(tree / "main.pl", "".join(f"use My::M{m};\n" for m in range(120)))
    return lambda at: "perl " + " ".join(f"-I{at}/l{d}" for d in range(6)) + f" {at}/main.pl"


@row
def row_node(tree):
    """150 packages, required from a directory five levels down."""
    deep = tree / "app" / "a" / "b" / "c" / "d"
    for p in range(150):
        package = tree / "node_modules" / f"p{p}"
        write(package / "package.json", json.dumps({"name": f"p{p}", "main": "lib/index"}))
        write(package / "lib" / "index.js", "module.exports = require('./more');\n")
        write(package / "lib" / "more.js", f"module.exports = {p};\n")
    write(deep / "main.js", "".join(f"require('p{p}');\n" for p in range(150)))
    return lambda at: f"node {at}/app/a/b/c/d/main.js"


@row
def row_python(tree):
    """120 packages of one module each, in the last of 5 directories of sys.path."""
    for d in range(5):
        (tree / f"s{d}").mkdir(parents=True)
    for p in range(120):
        write(tree / "s4" / f"pk{p}" / "__init__.py", "from . import more\n")
        write(tree / "s4" / f"pk{p}" / "more.py", f"x = {p}\n")
    write(tree / "main.py", "".join(f"import pk{p}\n" for p in range(120)))
    return lambda at: "PYTHONPATH=" + ":".join(f"{at}/s{d}" for d in range(5)) + f" python3 -B {at}/main.py"


def packages_of(names):
    """What must be copied for these packages of this python3: their directories, and the libraries beside them."""
    found = subprocess.run([PYTHON, "-c", "import sys\nfor name in sys.argv[1:]:\n    try:\n"
                            "        print(name, *__import__(name).__path__[:1])\n"
                            "    except ImportError:\n        pass", *names], text=True, capture_output=True)
    packages = dict(line.split() for line in found.stdout.splitlines())
    return packages, [part for name, path in packages.items()
                      for part in [pathlib.Path(path), *pathlib.Path(path).parent.glob(f"{name}.libs")]]


def python_row(tree, names):
    """Packages as this python3 has them, imported from the third of three directories."""
    packages, parts = packages_of(names)
    if not packages:
        return None
    for d in range(3):
        (tree / f"s{d}").mkdir(parents=True)
    for part in parts:
        shutil.copytree(part, tree / "s2" / part.name, symlinks=True)
    write(tree / "main.py", "".join(f"import {name}\nassert {name}.__file__.startswith(__file__[:-7])\n"
                                    for name in packages))
    return lambda at: "PYTHONPATH=" + ":".join(f"{at}/s{d}" for d in range(3)) + f" {PYTHON} -B {at}/main.py"


@row
def row_numpy(tree):
    """numpy."""
    return python_row(tree, ["numpy"])


@row
def row_science(tree):
    """numpy, scipy, pandas and matplotlib, as far as they are installed."""
    return python_row(tree, ["numpy", "scipy", "pandas", "matplotlib"])


@row
def row_eslint(tree):
    """eslint by npm, on ten files."""
    tree.mkdir(exist_ok=True)
    made = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", tree, "eslint@8"],
                          stdout=subprocess.DEVNULL, check=False)
    if made.returncode:
        return None
    write(tree / ".eslintrc.json",
          '{"root": true, "extends": "eslint:recommended", "env": {"node": true, "es6": true}}')
    for f in range(10):
        write(tree / "src" / f"f{f}.js", f"exports.f{f} = () => {f};\n/* eslint no-undef: 0 */\n")
    return lambda at: f"cd {at} && node node_modules/eslint/bin/eslint.js src"


@row
def row_tar(tree):
    """2,000 files of 2 KiB in 20 directories."""
    for f in range(2000):
        write(tree / f"d{f % 20}" / f"f{f}", f"{f}\n" * 400)
    return lambda at: f"tar -cf - -C {at} . | cat"


@row
def row_grep(tree):
    """The same for grep."""
    row_tar(tree)
    return lambda at: f"grep -rc 77 {at} | wc -l"


@row
def row_images(tree):
    """Files of 20 KiB, listed, and read in random order by 4 processes."""
    for f in range(IMAGES):
        write(tree / f"c{f % 10}" / f"i{f}.jpg", "x" * 20480)
    (tree.parent / "load.py").write_text(
        "import os, random, sys\n"
        "files = [os.path.join(d, f) for d, _, fs in os.walk(sys.argv[1]) for f in fs if f[0] == 'i']\n"
        "random.seed(1)\nrandom.shuffle(files)\nme = 0\n"
        "for n in (1, 2, 3):\n    me = me or (n if not os.fork() else 0)\n"
        "n = sum(len(open(f, 'rb').read()) for f in files[me::4])\n"
        f"assert n == {IMAGES // 4} * 20480, n\n"
        "if not me:\n    for _ in range(3):\n        assert not os.wait()[1]\n")
    return lambda at: f"python3 {tree.parent}/load.py {at}"


@row
def row_git(tree):
    """git status of 1,500 files."""
    for f in range(1500):
        write(tree / f"d{f % 60}" / f"f{f}", f"{f}\n")
    git = ["git", "-C", tree, "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run(git + words, check=True)
    return lambda at: f"git --no-optional-locks -C {at} -c safe.directory='*' status --porcelain"


class Side:
    """A mount of the files, and how programs are run on it."""

    def __init__(self, bench, name, prefix=(), names="0", ahead="0"):
        self.bench, self.name, self.prefix = bench, name, list(prefix)
        self.env = {**os.environ, "RAWCACHE_NAMES": names, "RAWCACHE_OPENAHEAD": ahead}
        self.mount = bench.work / f"mnt-{name}"
        self.mount.mkdir(exist_ok=True)
        self.mounted = False
        self.open()

    def open(self):
        if self.mounted:
            subprocess.run(["fusermount3", "-u", self.mount], check=True)
        subprocess.run([self.bench.build / "tests/origin/origin", f"--meta-latency={LATENCY_MS}",
                        f"--latency={LATENCY_MS}", self.bench.store, self.mount], check=True)
        self.mounted = True

    def control(self, text):
        (self.mount / ".origin" / "control").write_text(text + "\n")

    def requests(self):
        lines = (self.mount / ".origin" / "stats").read_text().splitlines()
        return {k: int(v) for k, v in (line.split() for line in lines) if k in KINDS}

    def run(self, command):
        """Seconds and requests."""
        self.control("reset")
        start = time.monotonic()
        subprocess.run(self.prefix + ["sh", "-c", command(self.mount)], env=self.env, check=True,
                       stdout=subprocess.DEVNULL)
        return time.monotonic() - start, self.requests()

    def close(self):
        subprocess.run(["fusermount3", "-u", "-z", self.mount], check=False)


class Bench:
    """A row: the files of all sides, and one image for those that have a cache."""

    def __init__(self, build, work):
        self.build, self.work = build, work
        self.store, self.local, self.image = work / "store", work / "local", work / "cache.img"

    def run(self, name):
        shutil.rmtree(self.work, ignore_errors=True)
        self.store.mkdir(parents=True)
        command = ROWS[name](self.store)
        if not command:
            return None
        shutil.copytree(self.store, self.local, symlinks=True)
        rawcache = self.build / "rawcache"
        subprocess.run([rawcache, "format", "--force", "--size", "1G", self.image], check=True,
                       stdout=subprocess.DEVNULL)
        time.sleep(2.5)
        run = lambda side: [rawcache, "run", "--path", self.work / f"mnt-{side}", "--cache", self.image, "--"]
        frozen = run("frozen")[:-1] + ["--frozen", self.work / "mnt-frozen", "--"]
        sides = [Side(self, "origin"), Side(self, "cache", run("cache")), Side(self, "names", run("names"), "1"),
                 Side(self, "ahead", run("ahead"), "1", "1"), Side(self, "frozen", frozen)]
        results = {}
        try:
            for _ in range(3):
                for side in sides:
                    results[side.name] = side.run(command)
                time.sleep(1.2)
            start = time.monotonic()
            subprocess.run(["sh", "-c", command(self.local)], check=True, stdout=subprocess.DEVNULL)
            results["local"] = time.monotonic() - start, {}
        finally:
            for side in sides:
                side.close()
            info = subprocess.run([rawcache, "info", "--json", "--cache", self.image], check=True, text=True,
                                  capture_output=True).stdout
            uuid = re.search(r'"uuid": *"([^"]*)"', info).group(1)
            pathlib.Path(f"/dev/shm/rawcache-{uuid}").unlink(missing_ok=True)
        return results


def tell(name, results, as_json):
    cached = results["cache"][0]
    for side in ["local", "origin", "cache", "names", "ahead", "frozen"]:
        seconds, requests = results[side]
        if as_json:
            print(json.dumps({"bench": "names", "row": name, "side": side, "ms": LATENCY_MS, "seconds":
                              round(seconds, 3), "of_cache": round(seconds / cached, 3), **requests}))
        else:
            print(f"{name:8} {side:7} {seconds:8.2f} s {seconds / cached:6.2f}x  " +
                  " ".join(f"{k} {v}" for k, v in requests.items() if v), flush=True)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--json"]
    bench = Bench(pathlib.Path(arguments[0]).absolute(), pathlib.Path(arguments[1]))
    for name in arguments[2:] or ROWS:
        results = bench.run(name) if shutil.which(NEEDS.get(name, name)) else None
        if results:
            tell(name, results, "--json" in sys.argv)
        else:
            print(f"{name}: not here", file=sys.stderr)


main()
