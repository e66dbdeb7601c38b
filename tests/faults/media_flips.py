# SPDX-License-Identifier: MIT
# flips.py DIRECTORY PLAIN STEP: no mappings: what a program has mapped it is not verified again
import os, subprocess, sys
directory, plain, step = sys.argv[1:]
names = sorted(os.listdir(plain))
right = {n: open(os.path.join(plain, n), "rb").read() for n in names}
files = {n: os.open(os.path.join(directory, n), os.O_RDONLY) for n in names}
for again in range(2):
    for n in names:
        for at in range(0, len(right[n]), 10000):
            if os.pread(files[n], 10000, at) != right[n][at:at + 10000]:
                sys.exit(f"file {n} at {at} is wrong")
    if not again:
        subprocess.run(step, shell=True, check=True, env={"PATH": os.environ["PATH"]})
