#!/bin/bash
# SPDX-License-Identifier: MIT
# Names, numbers, citations and sizes: whoever reads a name finds one thing, and reads no more of it than fits a view.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/structure.inc"
cd "$TOP_SRCDIR" || exit 99

# messages: who reads one knows what to do
python3 tests/tree/messages.py src/cli/*.c >"$scratch/bad"
none_of_them "messages of the command tell what to do"

# names: grep, a debugger and a profile lead from a name to one place
find "$src" -name '*.[ch]' | LC_ALL=C sort | xargs python3 tests/tree/names.py >"$scratch/bad"
ok $? "the sources' names were read"
none_of_them "no two functions, variables or types of different files have one name"
python3 tests/tree/cited.py >"$scratch/bad" 2>&1
none_of_them "what documents and comments name is there"
find "$src" "$TOP_SRCDIR/include" -name '*.[ch]' ! -name '*_tbl.h' | LC_ALL=C sort |
	xargs python3 tests/tree/numbers.py >"$scratch/bad" 2>&1
none_of_them "each number has a reason"

# invariants: each that docs/architecture.md numbers is cited where it is kept, and where it is tested
sed -n 's/^- \*\*\(INV-[0-9]*\)\*\*.*/\1/p' docs/architecture.md | LC_ALL=C sort >"$scratch/numbered"
for where in src tests; do
	grep -rhoE 'INV-[0-9]+' --include='*.[ch]' --include='*.sh' "$where" | LC_ALL=C sort -u >"$scratch/cited"
	check "$where cites the invariants of docs/architecture.md" diff "$scratch/numbered" "$scratch/cited"
done
# locks: each mutex of the engine has its place in the lock order
sed -n '/^## Lock order/,/^## Invariants/p' docs/architecture.md >"$scratch/order"
grep -rhoE '\bpthread_mutex_t [a-z_]+' --include='*.[ch]' src/base src/core src/shim | sed 's/.* //' | sort -u |
	while read -r lock; do grep -qw -e "$lock" "$scratch/order" || echo "$lock"; done >"$scratch/bad"
none_of_them "each lock has its place in the order of docs/architecture.md"

# a test that is skipped as a whole is no error: automake's reader of TAP takes a status of 77 for one
printf '#!/bin/sh\necho "1..0 # SKIP nothing"\nexit 77\n' >"$scratch/skips" && chmod +x "$scratch/skips"
is "$(tests/limit "$scratch/skips" | grep -v took) $(tests/limit "$scratch/skips" >/dev/null; echo $?)" \
	"1..0 # SKIP nothing 0" "a skipped test ends well"
grep -v '^#' tests/longest | while read -r test; do [ -x "$test" ] || echo "$test"; done >"$scratch/bad"
none_of_them "tests/longest names tests that are there"

# sizes: what is longer is divided by its subjects. A table is as long as what it lists.
find src include tests -name '*.[ch]' ! -name '*_tbl.h' | LC_ALL=C sort >"$scratch/sources"
{
	cat "$scratch/sources"
	find tests -name '*.sh' -o -name '*.py' -o -name '*.js' -o -name '*.inc' ! -name '*_table.inc'
	find scripts -type f
} | xargs wc -l | awk '$1 > 400 && $2 != "total" { print $2 ": " $1 " lines" }' >"$scratch/bad"
none_of_them "no file has more than 400 lines"
find tests -name '*.sh' ! -path tests/lib.sh -exec wc -l {} + |
	awk '$1 > 120 && $2 != "total" { print $2 ": " $1 " lines" }' >"$scratch/bad"
none_of_them "no shell test has more than 120 lines: a story"
xargs awk 'FNR == 1 { begun = 0 } /^\{/ { begun = FNR; name = before } { before = $0 }
	/^\}/ && begun { if (FNR - begun >= 50) print FILENAME ": " FNR - begun + 1 " lines: " name; begun = 0 }' \
	<"$scratch/sources" >"$scratch/bad"
none_of_them "no function has more than 50 lines"
done_testing
