# SPDX-License-Identifier: MIT
"""Pictures of what the benchmarks told: plot.py DIRECTORY <JSON-LINES, with gnuplot.

Of `bench read` the ratios by size, native time / cache time; of `bench whole` the rows that are
ratios of a local copy's time; of `bench evict` the hit ratios of each policy. Each is an SVG file in
DIRECTORY, with the commit, the day and the command in its title.
"""
import json
import subprocess
import sys
import time

CANVAS = """set terminal svg size 800,440 font "sans,13" background rgb "white"
set output "{path}"
set title "{title}"
set style fill solid 0.7 border -1
set grid ytics
set yrange [0:*]
"""
HEAD = CANVAS + """set ylabel "times as fast as a local copy"
"""
READ = HEAD + """set style data linespoints
set logscale y
set yrange [0.5:*]
set xtics rotate by -30
plot 1 notitle with lines dashtype 2 linecolor "black", \\
 "$data" using 0:2:xtic(1) title "in order", "$data" using 0:3 title "at random"
"""
WHOLE = HEAD + """set style data boxes
set boxwidth 0.6
set xtics rotate by -30
plot 1 notitle with lines dashtype 2 linecolor "black", "$data" using 0:2:xtic(1) title "median", \\
 "$data" using 0:3 title "target" with points pointtype 7
"""
EVICT = CANVAS + """set style data histograms
set yrange [0:100]
set ylabel "hit ratio by bytes, percent"
set key outside right top
plot "$data" using 2:xtic(1) title "LRU", $data using 3 title "S3-FIFO by object", \\
 $data using 4 title "rawcache", $data using 5 title "Belady"
"""


def described(what):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True,
                            text=True, check=False).stdout.strip()
    return f"{what} ({commit or 'no commit'}, {time.strftime('%Y-%m-%d')})"


def draw(path, script, what, lines):
    if not lines:
        return
    data = "$data << END\n" + "".join(" ".join(map(str, line)) + "\n" for line in lines) + "END\n"
    text = data + script.format(path=path, title=described(what)).replace('"$data"', "$data")
    subprocess.run(["gnuplot"], input=text, text=True, check=True)
    print(path)


def read_lines(rows):
    ratios = {}
    for told in rows:
        if told.get("bench") == "read" and told["workers"] == rows[0].get("workers"):
            ratios.setdefault(told["size"], {})[told["pattern"]] = told["ratio"]
    return [(size, by.get("sequential", "nan"), by.get("random", "nan"))
            for size, by in ratios.items()]


def whole_lines(rows):
    return [(told["row"].replace("_", "-"), told["median"], told.get("least", "nan"))
            for told in rows
            if told.get("bench") == "whole" and told.get("unit") == "x" and "least" in told]


def evict_lines(rows):
    percent = {}
    for told in rows:
        if told.get("bench") == "evict":
            percent.setdefault(told["shape"], {})[told["policy"]] = told["percent"]
    return [(shape, *(by.get(policy, "nan") for policy in ("lru", "s3-fifo", "rawcache", "belady")))
            for shape, by in percent.items()]


def main():
    directory = sys.argv[1]
    rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
    reads = [told for told in rows if told.get("bench") == "read"]
    draw(f"{directory}/bench-read.svg", READ, "scripts/bench read: warm reads",
         read_lines(reads))
    draw(f"{directory}/bench-whole.svg", WHOLE, "scripts/bench whole: programs",
         whole_lines(rows))
    draw(f"{directory}/bench-evict.svg", EVICT, "scripts/bench evict: image of 256 MiB",
         evict_lines(rows))


main()
