# SPDX-License-Identifier: MIT
"""A directory's old times arrive after a name was made in it: names_late.py DIRECTORY CONTROL STATS HOW

Below the shim; HOW is how the name is made, by a program without the shim. The answer to a question for the directory's
times is held back meanwhile, so that the kernel keeps times of before.
"""
import os
import subprocess
import sys
import time

top, control, stats, how = sys.argv[1:]
plain = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
name = os.path.join(top, "made")


def tell(text):
    with open(control, "w") as f:
        f.write(text + "\n")


def stalled():
    with open(stats) as f:
        return "stalled 1\n" in f.read()


def seen():
    """What open(), stat() and access() say."""
    answers = [os.access(name, os.F_OK), os.path.lexists(name)]
    try:
        os.close(os.open(name, os.O_PATH | os.O_NOFOLLOW))
        answers.append(True)
    except FileNotFoundError:
        answers.append(False)
    return answers


# the directory has settled, and the name's absence is known
for wait in (2.3, 0, 0):
    assert seen() == [False] * 3
    time.sleep(wait)
times = os.stat(top).st_mtime_ns
tell("hold getattr " + os.path.basename(top))
asking = subprocess.Popen(["stat", "--cached=never", "-c", "%y", top], env=plain, stdout=subprocess.DEVNULL)
while not stalled():
    time.sleep(0.01)
subprocess.run({"create": ["touch", name], "mkdir": ["mkdir", name], "link": ["ln", "-s", "nowhere", name],
                "rename": ["mv", "-T", os.path.join(os.path.dirname(top), "from"), name]}[how], env=plain, check=True)
tell("clear")
asking.wait()
# the kernel has been misled, or this test shows nothing
print("old times" if os.stat(top).st_mtime_ns == times else "new times", *seen())
