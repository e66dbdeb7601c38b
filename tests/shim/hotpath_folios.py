# SPDX-License-Identifier: MIT
import mmap, os, re, sys
fd = os.open(sys.argv[2] if len(sys.argv) > 2 else sys.argv[1], os.O_RDONLY)
kept = []
if len(sys.argv) == 2:
    # at an address and an offset that fit: a mapping of 4 MiB holds one
    kept.append(mmap.mmap(fd, 0, prot=mmap.PROT_READ))
    sum(kept[0][i] for i in range(0, len(kept[0]), 4096))
for offset in 2 * list(range(0, os.fstat(fd).st_size, 4096)): # what is read once is not kept mapped
    os.pread(fd, 4096, offset)
total = 0
for part in re.split(r"\n(?=[0-9a-f]+-)", open("/proc/self/smaps").read()):
    if sys.argv[1] in part.splitlines()[0]:
        total += int(re.search(r"FilePmdMapped: +(\d+)", part).group(1))
print(total)
