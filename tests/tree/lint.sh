#!/bin/bash
# SPDX-License-Identifier: MIT
# What tools that look for mistakes say of scripts, manual pages and YAML: nothing. (The compiler warns with -Werror,
# lintian looks at the packages in tests/packages/deb.sh, systemd-analyze and promtool at examples in their tests.)
. "$(dirname "$0")/../lib.sh"
cd "$TOP_SRCDIR" || exit 99
our=$(ls -d .ci findings 2>/dev/null) # findings are in no tarball

# scripts [KIND]: files that begin as scripts of a shell
scripts() {
	find $our scripts tests debian examples -type f ! -name '*.log' ! -name '*.trs' -size -200k \
		-exec awk 'FNR == 1 { if (/^#!\/bin\/(ba)?sh/) print FILENAME; nextfile }' {} + | sort
}
if command -v shellcheck >/dev/null; then
	# 1091, 2154: tests/lib.sh is found when they run; 2034: names that eval makes; 2046, 2048: lists that shall be
	# split; 3013: -nt, which dash has
	scripts | xargs shellcheck -S warning -x -P SCRIPTDIR -f gcc -e SC1091,SC2154,SC2034,SC2046,SC2048,SC3013 \
		>"$scratch/out" 2>&1
	is "$(cat "$scratch/out")" "" "shellcheck"
else
	ok 0 "shellcheck # SKIP it is not installed"
fi
# The style is .clang-format's. Tables (*_tbl.h) have a row a line and are left out: a row is as long as its text.
# Another version breaks lines elsewhere.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	find src include tests examples $our -name '*.[ch]' ! -name '*_tbl.h' \
		-exec clang-format --style=file --dry-run {} + >"$scratch/out" 2>&1
	is "$(head -20 "$scratch/out")" "" "clang-format"
else
	ok 0 "clang-format # SKIP version 14 is not installed"
fi
# No line has more than 120 columns, but for:
#   *_tbl.h, rows of docs/*.md, *_table.inc, census_*.txt
#                                               tables: a row is a line
#   blocks of docs/*.md                         as programs print them
#   man/*.3, rawcache.7, NEWS                   made by scripts of shorter lines; entries of a list
#   *.json, rules.yml                           a query is a line
{
	find src include docs examples debian man CONTRIBUTING.md README.md -type f -size -300k \
		! -name '*_tbl.h' ! -name '*.json' ! -name rules.yml ! -name '*.svg' ! -name '*.3' ! -name rawcache.7 \
		! -name '*.log' ! -name '*.o' ! -path '*/.libs/*'
	find $our scripts tests -type f \( -name '*.[ch]' -o -name '*.py' -o -name '*.inc' -o -name '*.js' \) \
		! -name '*_tbl.h' ! -name '*_table.inc'
	scripts
} | sort -u |
	while read -r file; do
		expand -t 8 "$file" | awk -v file="$file" '/^```/ { block = !block } # or indented
			length($0) > 120 && !(file ~ /\.md$/ && (block || /^(    |\|)/)) { print file ": line " NR }'
	done >"$scratch/out"
is "$(cat "$scratch/out")" "" "lines have at most 120 columns"
if command -v groff >/dev/null; then
	for page in $(grep -L "^\.so " man/*.[0-9]); do # the others are names of one of these
		is "$(groff -man -ww -z -Tutf8 "$page" 2>&1)" "" "groff: $page"
	done
else
	ok 0 "groff # SKIP it is not installed"
fi
if command -v codespell >/dev/null; then
	is "$(codespell -q 3 -L msdos,te,nd,fo README.md NEWS CONTRIBUTING.md docs/*.md man/*.in man/librawcache.3 \
		src include examples debian 2>&1)" "" "codespell"
else
	ok 0 "codespell # SKIP it is not installed"
fi
if command -v yamllint >/dev/null; then
	rules='{extends: relaxed, rules: {line-length: disable}}' # of all files: below
	is "$(find examples -name '*.y*ml' -exec yamllint -d "$rules" {} + 2>&1)" "" "yamllint"
else
	ok 0 "yamllint # SKIP it is not installed"
fi
done_testing
