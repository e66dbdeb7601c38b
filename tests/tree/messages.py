#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Messages of the command that do not say what to do: those whose text has no second clause.
usage: messages.py FILE..."""
import re
import sys

# what is wrong tells what is right, or others say the rest
ENOUGH = re.compile(r"[;`?]|\bis a number from|\bis (not|neither) a|there is mmap_threshold|needs one setting"
                    r"|name the files|give one of|goes with|was given %s too|are needed|is needed, which|, as in "
                    r"|is too small: the|a path of|mounted here: mount it|^--\w+ wants"
                    r"|: %s%s$|write it as|^\w*(%s[: ]*)+$")

bad = 0
for name in sys.argv[1:]:
    text = open(name).read()
    for call in re.finditer(r"\bsay_(?:refusal|usage|warning)\(((?:[^\";]|\"(?:\\.|[^\"\\])*\")*)\);", text):
        words = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', call.group(1).split("strerror")[0]))
        if not words or ENOUGH.search(words):
            continue
        bad += 1
        print("%s:%d: %s" % (name, text.count("\n", 0, call.start()) + 1, words))
sys.exit(bad > 0)
