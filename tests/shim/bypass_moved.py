# SPDX-License-Identifier: MIT
import os, sys
base = sys.argv[1]
def opens(path, times):
    for i in range(times):
        with open(path, 'rb', buffering=0) as f:
            f.read()
opens(base + '/in/sub/moved', 3)
os.rename(base + '/in/sub', base + '/out/sub')
opens(base + '/out/sub/moved', 7)
