# SPDX-License-Identifier: MIT
# work.py DIRECTORY PLAIN STEP...: commands with all files compared before and after each
import mmap, os, random, subprocess, sys
directory, plain = sys.argv[1:3]
names = sorted(os.listdir(plain))
right = {n: open(os.path.join(plain, n), "rb").read() for n in names}
files = {n: os.open(os.path.join(directory, n), os.O_RDONLY) for n in names}
maps = {n: mmap.mmap(files[n], 0, prot=mmap.PROT_READ) for n in names[::2]}
def compare(when, seed):
    draw = random.Random(seed)
    for n in names:
        size = len(right[n])
        for i in range(30):
            at = draw.randrange(size)
            length = draw.choice([1, 100, 5000, 70000, 300000])
            want = right[n][at:at + length]
            if os.pread(files[n], length, at) != want:
                sys.exit(f"{when}: file {n} at {at} is wrong")
            if n in maps and maps[n][at:at + length] != want:
                sys.exit(f"{when}: mapped file {n} at {at} is wrong")
        with open(os.path.join(directory, n), "rb") as f:
            if f.read() != right[n]:
                sys.exit(f"{when}: file {n} is wrong")
if not os.environ.get("COLD"):
    compare("before", 1)
for i, step in enumerate(sys.argv[3:]):
    subprocess.run(step, shell=True, check=True, env={"PATH": os.environ["PATH"]})
    compare(step, i + 2)
    compare(step, i + 100)
