#!/bin/bash
# SPDX-License-Identifier: MIT
# The look of the tree: its width, and clang-format where it is installed. Scripts and pages: lint.sh.
. "$(dirname "$0")/../lib.sh"
cd "$TOP_SRCDIR" || exit 99

# passes NAME: $scratch/bad is empty
passes() {
	sed 's/^/# /' "$scratch/bad"
	check "$1" test ! -s "$scratch/bad"
}

# What is made by programs, lists of symbols and recorded inputs are as wide as they are.
find . -type f \( -name '.git' -o -path './.git/*' -o -path './build*' -o -path './autom4te.cache/*' \
	-o -path './completions/*' -o -path './tests/fuzz/corpus/*' -o -path './man/*.[1-9]' -o -path './debian/*' -o -name 'census_*.txt' \
	-o -name '*.xz' -o -path './m4/*' -o -name configure -o -name aclocal.m4 -o -name Makefile.in \
	-o -name '*.json' -o -name '*.y*ml' -o -name '*.svg' -o -name '*.png' -o -name '*~' \) -prune -o -type f -print |
	LC_ALL=C sort >"$scratch/texts"
xargs awk 'FNR == 1 { FNAME = FILENAME; fenced = 0 }
	FNAME ~ /\.md$/ && /^ *```/ { fenced = !fenced }
	{ line = $0; n = 0
	  while (i = index(line, "\t")) { n = int((n + i - 1) / 8) * 8 + 8; line = substr(line, i + 1) }
	  n += length(line)
	  # what programs print is as wide as it is
	  if (n > 120 && !(FNAME ~ /\.md$/ && (fenced || /^    /))) print FNAME ":" FNR ": " n " columns" }' <"$scratch/texts" >"$scratch/bad"
passes "nothing is wider than 120 columns"

if command -v clang-format >/dev/null; then
	grep -E '^\./(src|include|tests|examples)/.*\.[ch]$' "$scratch/texts" | grep -v '_tbl\.h$' >"$scratch/sources"
	xargs clang-format --dry-run <"$scratch/sources" 2>&1 | grep -E ' warning: ' >"$scratch/bad"
	passes "clang-format leaves the sources as they are"
else
	skip "clang-format" "it is not installed"
fi

done_testing
