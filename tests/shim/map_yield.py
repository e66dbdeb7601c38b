# SPDX-License-Identifier: MIT
import mmap, os, re, sys, time
large, large_copy, other, other_copy, image = sys.argv[1:]
def stays():
    told = os.popen("%s stat --json --cache %s" % (os.environ["RAWCACHE"], image)).read()
    return int(re.search('"mapped_origin_bytes": *([0-9]*)', told).group(1))
# it gives back until half of the regions are held: one region may do, and need not be full
GIVEN = 1 << 20
want = open(large_copy, "rb").read()
f = open(large, "rb")
before = stays()
m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
if m[:] != want or stays() != before:
    sys.exit("not all of it is the image's")
until = time.time() + 60
hour = 100
while time.time() < until and stays() < before + GIVEN:
    hour += 1
    os.system("touch -d '%d hours ago' %s; sleep 2.1; cmp %s %s" % (hour, other, other, other_copy))
    if m[:] != want:
        sys.exit("wrong bytes")
sys.exit(stays() < before + GIVEN or m[:] != want)
