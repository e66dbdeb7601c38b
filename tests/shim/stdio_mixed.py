# SPDX-License-Identifier: MIT
"""Numbers, text, long lines and bytes: stdio_mixed.py FILE"""
import random, sys
random.seed(4)
lines, n = [], 0
while n < 700000:
    kind = random.random()
    if kind < .5:
        line = str(random.randint(-10**6, 10**6)).encode()
    elif kind < .9:
        line = bytes(random.choices(b"abcdefgx \t", k=random.randint(0, 200)))
    elif kind < .92:
        line = bytes(random.choices(b"abcdefghij", k=random.randint(0, 20000)))
    else:
        line = bytes(random.choices(range(256), k=random.randint(0, 100)))
    lines.append(line)
    n += len(line) + 1
open(sys.argv[1], "wb").write(b"\n".join(lines))
