# SPDX-License-Identifier: MIT
"""Pictures of what the benchmarks told: plot.py DIRECTORY <JSON-LINES, with gnuplot.

Of `bench read` the ratios by size, native time / cache time; of `bench whole` the rows that are
ratios of a local copy's time. Each is an SVG file in DIRECTORY, with the commit and the day in its
title.
"""
import json
import subprocess
import sys
import time

HEAD = """set terminal svg size 800,440 font "sans,13" background rgb "white"
set output "{path}"
set title "{title}"
set style fill solid 0.7 border -1
set grid ytics
set yrange [0:*]
set ylabel "times as fast as a local copy"
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


def main():
    directory = sys.argv[1]
    rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
    reads = [told for told in rows if told.get("bench") == "read"]
    draw(f"{directory}/bench-read.svg", READ, "warm reads", read_lines(reads))
    draw(f"{directory}/bench-whole.svg", WHOLE, "whole programs", whole_lines(rows))


main()
