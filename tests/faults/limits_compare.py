# SPDX-License-Identifier: MIT
# compare.py DIRECTORY PLAIN: twice, whole and at random
import os, random, sys
directory, plain = sys.argv[1:3]
draw = random.Random(1)
for _ in range(2):
    for n in sorted(os.listdir(plain)):
        right = open(os.path.join(plain, n), "rb").read()
        with open(os.path.join(directory, n), "rb") as f:
            if f.read() != right:
                sys.exit(f"{n} is wrong")
            for _ in range(20):
                at = draw.randrange(len(right))
                if os.pread(f.fileno(), 70000, at) != right[at:at + 70000]:
                    sys.exit(f"{n} at {at} is wrong")
