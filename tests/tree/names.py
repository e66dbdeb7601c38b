#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Functions, file-level variables and types that share their name with one of another file: names.py FILE...

A name stands for one thing in src/, so that grep, gdb and a profile lead to it. Within one file two functions may
share a name: the compiler takes one of them, by #if.
"""
import re
import sys

# each command is a file of its own, and `longs` its table of options for getopt_long()
EXEMPT = {"longs"}
IGNORED = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^#(?:[^\n]*\\\n)*[^\n]*$', re.S | re.M)
ATTRIBUTE = re.compile(
    r"\b(?:__attribute__|_Alignas|alignas|_Atomic|__asm__|asm)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
STRUCT = re.compile(r"(?:[a-z]+ )*?(?:struct|union|enum) (\w+) ?\{\}")
DECLARED = re.compile(r"(?:extern|typedef)\b|_?[sS]tatic_assert\b|[A-Z_]+\(|(?:struct|union|enum) \w+$")
VARIABLE = re.compile(r"[^(]*\(\*(?:const )?(\w+)[^()]*\)|[^(]*?(\w+) ?(?:\[[^]]*\] ?)*$")


def items(text):
    """What stands at file level, the inside of each pair of braces left out; "{}" ends a function."""
    depth, item = 0, ""
    for c in text:
        if c == "{":
            depth += 1
            item += "{" if depth == 1 else ""
        elif c == "}":
            depth -= 1
            if depth == 0:
                item += "}"
                if re.search(r"\)\s*\{\}$", item) and "=" not in item:
                    yield item
                    item = ""
        elif depth == 0 and c == ";":
            yield item
            item = ""
        elif depth == 0:
            item += c


def names_of(item):
    """(kind, name) of each thing that `item` defines; none for a declaration."""
    item = " ".join(ATTRIBUTE.sub("", item).split())
    struct = STRUCT.match(item)
    if struct:
        yield "type", struct.group(1)
        item = item[struct.end():]
    elif item.endswith("{}") and "=" not in item:
        function = re.search(r"(\w+) ?\(", item)
        if function:
            yield "function", function.group(1)
        return
    elif DECLARED.match(item):
        return
    for declarator in re.sub(r"\{\}", "", item).split(","):
        variable = VARIABLE.match(declarator.split("=")[0].strip())
        if not variable:
            return  # the declaration of a function
        yield "variable", variable.group(1) or variable.group(2)


def main():
    places = {}
    for path in sys.argv[1:]:
        with open(path) as f:
            text = IGNORED.sub(" ", f.read())
        for item in items(text):
            for kind, name in names_of(item):
                places.setdefault((kind == "type", name), set()).add(path)
    for (is_type, name), paths in sorted(places.items()):
        if len(paths) > 1 and name not in EXEMPT:
            print(f"{'type ' if is_type else ''}{name}: {' '.join(sorted(paths))}")
    sys.exit(len(places) < 1000)


if __name__ == "__main__":
    main()
