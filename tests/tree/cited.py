#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names that documents and comments cite, and that are not there: cited.py, in the top directory of the tree.

What README.md, CONTRIBUTING.md, docs/ and the comments of src/, include/, tests/ and examples/ name must exist:
functions (`name()`) in the code or in libc, as the lists of the census have it; C names in backquotes, and in
comments of src/ and include/; files; the function in the file that stands behind it in brackets. docs/history.md
tells of what was, and is left out.
"""
import os
import re
import subprocess

FUNCTION = re.compile(r"(?<![\w.>*/-])([a-z_]\w*)\(\)")
PLACED = re.compile(r"`([a-z_]\w*)\(\)` \(([\w/.]+\.[ch])\)")
QUOTED = re.compile(r"`([a-z]\w*_\w+)`")
WORD = re.compile(r"(?<![\w/.-])([a-z]+_[a-z_]+)(?![\w/.*(-])")
FILE = re.compile(r"(?<![\w./*<>-])((?:[\w.-]+/)*[\w-]+\.(?:c|h|sh|py|awk|inc|md))(?![\w*])")
C_PARTS = re.compile(r'(/\*.*?\*/|//[^\n]*)|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
# what no file of the tree calls or has: the kernel's functions, users' programs, patterns, others' settings
OTHERS = {"access_ok", "clone3", "fstatfs", "kcmp", "newfstatat", "openat2", "cmd_NAME.c", "train.py", "serve.py",
          "noun_verb", "slab_chunk_max", "use_cache", "cachestat_range", "kernel_cache", "auto_inval_data",
          "buf_base", "buf_end", "read_ptr"}


def read(path):
    with open(path, errors="replace") as f:
        return f.read()


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def divide(text):
    """The comments of a C file, and the code without them, each on the lines where it was."""
    comments, code, end = "", "", 0
    for part in C_PARTS.finditer(text):
        between, found = text[end:part.start()], part.group(0)
        comments += blank(between) + (found if part.group(1) else blank(found))
        code += between + (blank(found) if part.group(1) else found)
        end = part.end()
    return comments, code + text[end:]


def main():
    files = subprocess.run(["git", "ls-files"], capture_output=True, text=True).stdout.split()
    if not files:  # the tree of a release
        files = [os.path.join(d, f)[2:] for d, _, names in os.walk(".") for f in names]
    sources = [f for f in files if re.match(r"(src|include|tests|examples)/.*\.[ch]$", f)]
    texts = {f: read(f) for f in files if f.endswith(".md") and f != "docs/history.md"}
    called, words, code = set(OTHERS), set(OTHERS), {}
    for path in sources:
        texts[path], code[path] = divide(read(path))
        called.update(re.findall(r"\b(\w+)\s*\(", code[path]))
        words.update(re.findall(r"\w+", code[path]))
    for path in files:
        if re.search(r"census_.*\.txt$|\.(py|sh|inc|js|awk|ac|am)$|^scripts/", path):
            called.update(re.findall(r"\w+", read(path)))
    words |= called
    names = {os.path.basename(f) for f in files} | OTHERS
    released = not os.path.isdir("findings")  # a release is made without them
    for path, text in sorted(texts.items()):
        for number, line in enumerate(text.split("\n"), 1):
            missing = [f + "()" for f in FUNCTION.findall(line) if f not in called]
            missing += [f for f in FILE.findall(line) if os.path.basename(f) not in names
                        and not (released and f.startswith("findings/"))]
            missing += [w for w in QUOTED.findall(line) if path.endswith(".md") and w not in words]
            missing += [w for w in WORD.findall(line) if path.startswith(("src/", "include/")) and w not in words]
            for function, place in PLACED.findall(line):
                if not any(p.endswith("/" + place) and re.search(rf"\b{function}\(", c) for p, c in code.items()):
                    missing.append(f"{function}() in {place}")
            for what in missing:
                print(f"{path}:{number}: {what}")


if __name__ == "__main__":
    main()
