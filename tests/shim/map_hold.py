# SPDX-License-Identifier: MIT
import mmap, os, sys
f = open(sys.argv[1], "rb")
m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
before = m[:100]
for i in range(4):
    os.system("touch -d '%d hours ago' %s; sleep 2.1; cat %s | tail -c 1 >/dev/null" %
              (i + 2, sys.argv[2], sys.argv[2]))
sys.exit(m[:] != open(sys.argv[3], "rb").read())
