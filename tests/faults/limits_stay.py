# SPDX-License-Identifier: MIT
import sys, time
f = open(sys.argv[1], "rb")
f.read(100000)
time.sleep(120)
