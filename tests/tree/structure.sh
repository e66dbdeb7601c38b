#!/bin/bash
# SPDX-License-Identifier: MIT
# The shape of the tree: who includes whom, what the libraries export and import.
. "$(dirname "$0")/../lib.sh"
need nm readelf
src=$TOP_SRCDIR/src

# no_arrow NAME: $scratch/bad, the arrows against the order, is empty
no_arrow() {
	sed 's/^/# /' "$scratch/bad"
	check "$1" test ! -s "$scratch/bad"
}
# layer DIRECTORY ALLOWED: quoted includes of DIRECTORY name only ALLOWED (a regular expression)
layer() {
	(cd "$src" && grep -HE '^#include "' "$1"/*.[ch]) | grep -vE "#include \"($2)/[a-z_]*\.h\"" |
		sed 's/:#include / includes /' >"$scratch/bad"
	no_arrow "src/$1 includes only $2 and public headers"
	listed "$1"
}
# listed DIRECTORY: its Makefile.inc names each of its files, each list sorted
listed() {
	(cd "$src" && ls "$1"/*.[ch]) | LC_ALL=C sort >"$scratch/files"
	LC_ALL=C awk \
		'/^[ \t]*src.*\.[ch]( \\)?$/ && sub(/^[ \t]*src\//, "") {
			sub(/ .*/, ""); print > OUT
			if ($0 < before) print "# not sorted: " $0; before = $0; next }
		{ before = "" }' OUT="$scratch/listed" "$src/$1/Makefile.inc" >"$scratch/unsorted"
	LC_ALL=C sort "$scratch/listed" >>"$scratch/unsorted"
	check "src/$1/Makefile.inc lists its files, sorted" diff "$scratch/files" "$scratch/unsorted"
}
for header in "$TOP_SRCDIR"/include/rawcache/*.h; do
	case $header in *_tbl.h) continue ;; esac
	name=rawcache/$(basename "$header")
	echo "#include <$name>" >"$scratch/one.c"
	cp "$scratch/one.c" "$scratch/one.cc"
	check "$name compiles alone in C11" ${CC:-cc} -std=c11 -Wall -Wextra -Werror -pedantic \
		-I"$TOP_SRCDIR/include" -c "$scratch/one.c" -o "$scratch/one.o"
	check "$name compiles alone in C++" ${CXX:-c++} -std=c++11 -Wall -Wextra -Werror \
		-I"$TOP_SRCDIR/include" -c "$scratch/one.cc" -o "$scratch/one.o"
done

exports() {
	nm -D --defined-only "$1" | awk '$2 ~ /[TWDBRVi]/ { sub(/@.*/, "", $3); print $3 }' | sort -u
}
shim=$RAWCACHE_PRELOAD
library=$TOP_BUILDDIR/.libs/librawcache.so

# what the installed headers declare is what the library exports, by versions that never change
grep -hv '^static inline' $(find "$TOP_SRCDIR/include" -name '*.h' ! -name embed.h) |
	sed -n 's/^[a-z].*[ *]\(rawcache_[a-z_]*\)(.*/\1/p' | sort -u >"$scratch/declared"
nm -D --defined-only "$library" | awk '$2 == "T" || $2 == "W" { sub(/@+/, " ", $3); print $3 }' | sort -u \
	>"$scratch/versioned"
sed 's/ .*//' "$scratch/versioned" | sort -u >"$scratch/exported"
check "librawcache exports exactly what the installed headers declare" \
	diff "$scratch/declared" "$scratch/exported"
awk '/^[A-Z]/ { version = $1 } /^\trawcache_/ { sub(/;/, "", $1); print $1, version }' \
	"$TOP_SRCDIR/src/librawcache.map" | sort -u >"$scratch/map"
check "each has the version that src/librawcache.map gives it" diff "$scratch/map" "$scratch/versioned"

# the table of hooks is what the preload object exports
exports "$shim" >"$scratch/shim"
sed -n 's/^SYMBOL([^,]*, \([A-Za-z0-9_]*\),.*/\1/p; s/^ALIAS(\([A-Za-z0-9_]*\),.*/\1/p' \
	"$src/shim/libc/symbols_tbl.h" | sort -u >"$scratch/table"
check "librawcache-preload exports exactly its table" diff "$scratch/table" "$scratch/shim"
# start_pages.c maps them by one call
readelf -SW "$TOP_BUILDDIR/.libs/librawcache-preload.so" | sed -n 's/^ *\[ *[0-9]*\] \([^ ]*\).*/\1/p' |
	grep -A2 -x start_code | tail -n +2 >"$scratch/behind"
check "code of the start lies before the constants" grep -qx '\.rodata' "$scratch/behind"

# base and core must not call what the shim replaces
nm --undefined-only "$TOP_BUILDDIR"/src/base/.libs/*.o "$TOP_BUILDDIR"/src/core/*/.libs/*.o \
	2>/dev/null | awk 'NF == 2 { print $2 }' | sort -u >"$scratch/imports"
[ -s "$scratch/imports" ]
ok $? "the engine's objects were found"
bad=$(comm -12 "$scratch/imports" "$scratch/shim")
[ -z "$bad" ] || echo "# $bad"
[ -z "$bad" ]
ok $? "base and core import nothing that the shim exports"

# rooms: who may be included and called by whom. A call can go through a public header, so objects are asked, too.
core_rooms="image shared index space origin tier fill read zerocopy api"
allowed_base=base
allowed_image="base image"
allowed_shared="base image shared"
allowed_index="base image shared index"
allowed_space="base image shared index space"
allowed_origin="base image shared origin"
allowed_tier="base image shared origin tier"
allowed_fill="base image shared index space origin tier fill"
allowed_read="base image shared index space origin tier fill read"
allowed_zerocopy="base image shared index space origin tier fill read zerocopy"
allowed_api="base image shared index space origin tier fill read zerocopy api"
shim_rooms="libc table files serve hooks"
allowed_libc=libc
allowed_table="libc table"
allowed_files="libc table files"
allowed_serve="libc table files serve"
allowed_hooks="libc table files serve hooks"

layer base base
layer cli 'base|cli'
for room in $core_rooms; do
	eval "rooms=\$allowed_$room"
	layer "core/$room" "base|core/($(echo "$rooms" | tr ' ' '|'))"
done
for room in $shim_rooms; do
	eval "rooms=\$allowed_$room"
	layer "shim/$room" "base|shim/($(echo "$rooms" | tr ' ' '|'))"
done

# symbols DIRECTORY ROOM: "D room/object symbol" for what it defines, "U room/object symbol" for what it wants
symbols() {
	for object in "$TOP_BUILDDIR/src/$1"/.libs/*.o; do
		case $object in *lib*-*) continue ;; esac
		nm "$object" 2>/dev/null | awk -v n="$2/$(basename "$object" .o)" \
			'NF == 2 && $1 == "U" { print "U", n, $2 } NF == 3 && $2 ~ /[TDBRVC]/ { print "D", n, $3 }'
	done
}
# calls AGAINST: the calls of the symbols on standard input that their rooms must not make
calls_against() {
	awk 'NR == FNR { for (i = 2; i <= NF; i++) allowed[$1, $i] = 1; next }
		$1 == "D" { defined[$3] = $2 } { line[++n] = $0 }
		END { for (i = 1; i <= n; i++) { split(line[i], f, " ")
			if (f[1] != "U" || !(f[3] in defined)) continue
			split(f[2], from, "/"); split(defined[f[3]], to, "/")
			if (!((from[1], to[1]) in allowed)) print f[2] " calls " defined[f[3]] ": " f[3] } }' \
		"$scratch/allowed" -
}
for room in base $core_rooms $shim_rooms; do
	eval "echo $room \$allowed_$room"
done >"$scratch/allowed"
{
	symbols base base
	for room in $core_rooms; do symbols "core/$room" "$room"; done
} >"$scratch/core_symbols"
check "the engine's objects were read" test "$(wc -l <"$scratch/core_symbols")" -gt 1000
calls_against <"$scratch/core_symbols" | sort >"$scratch/bad"
no_arrow "no room of core calls a room above it"
# nor do files of a room call each other in a circle: whoever reads one can begin at the bottom
awk '$1 == "D" { defined[$3] = $2; next } { line[++n] = $0 }
	END { for (i = 1; i <= n; i++) { split(line[i], f, " ")
		if (f[3] in defined && defined[f[3]] != f[2]) print f[2], defined[f[3]] } }' "$scratch/core_symbols" |
	sort -u | tsort 2>"$scratch/bad" >/dev/null
no_arrow "no files of the engine call each other in a circle"
for room in $shim_rooms; do symbols "shim/$room" "$room"; done | calls_against | sort >"$scratch/bad"
no_arrow "no room of the shim calls a room above it"

# a function that a header declares is there for another file, or for a test
{
	cat "$scratch/core_symbols"
	for room in $shim_rooms; do symbols "shim/$room" "$room"; done
	nm "$TOP_BUILDDIR"/src/cli/*.o 2>/dev/null | awk '$1 == "U" { print "U", "cli", $2 }'
	cat "$scratch/shim" "$scratch/exported" | sed 's/^/U program /'
	grep -rohw '[a-z_]*' --include='*.[ch]' "$TOP_SRCDIR/tests" | LC_ALL=C sort -u | sed 's/^/U tests /'
} | awk '$1 == "U" { wanted[$3] } $1 == "D" { defined[$3] = $2 }
	END { for (s in defined) if (!(s in wanted)) print s, defined[s] }' | LC_ALL=C sort >"$scratch/own"
find "$src" -name '*.h' -exec grep -ohw '[a-z_]*' {} + | LC_ALL=C sort -u |
	LC_ALL=C join - "$scratch/own" >"$scratch/bad"
no_arrow "what no other file uses is static"

# messages: who reads one knows what to do
python3 "$TOP_SRCDIR/tests/tree/messages.py" "$TOP_SRCDIR"/src/cli/*.c >"$scratch/bad"
no_arrow "messages of the command tell what to do"

# names: grep, a debugger and a profile lead from a name to one place
find "$src" -name '*.[ch]' | LC_ALL=C sort | xargs python3 "$TOP_SRCDIR/tests/tree/names.py" >"$scratch/bad"
ok $? "the sources' names were read"
no_arrow "no two functions, variables or types of different files have one name"
(cd "$TOP_SRCDIR" && python3 tests/tree/cited.py) >"$scratch/bad" 2>&1
no_arrow "what documents and comments name is there"
find "$src" "$TOP_SRCDIR/include" -name '*.[ch]' ! -name '*_tbl.h' | LC_ALL=C sort |
	xargs python3 "$TOP_SRCDIR/tests/tree/numbers.py" >"$scratch/bad" 2>&1
no_arrow "each number has a reason"

# invariants: each that docs/architecture.md numbers is cited where it is kept, and where it is tested
sed -n 's/^- \*\*\(INV-[0-9]*\)\*\*.*/\1/p' "$TOP_SRCDIR/docs/architecture.md" | LC_ALL=C sort >"$scratch/numbered"
for where in src tests; do
	grep -rhoE 'INV-[0-9]+' --include='*.[ch]' --include='*.sh' "$TOP_SRCDIR/$where" |
		LC_ALL=C sort -u >"$scratch/cited"
	check "$where cites the invariants of docs/architecture.md" diff "$scratch/numbered" "$scratch/cited"
done

# sizes: what is longer is divided by its subjects. A table is as long as what it lists.
cd "$TOP_SRCDIR" || exit 99
# a test that is skipped as a whole is no error: automake's reader of TAP takes a status of 77 for one
printf '#!/bin/sh\necho "1..0 # SKIP nothing"\nexit 77\n' >"$scratch/skips" && chmod +x "$scratch/skips"
is "$(tests/limit "$scratch/skips" | grep -v took) $(tests/limit "$scratch/skips" >/dev/null; echo $?)" \
	"1..0 # SKIP nothing 0" "a skipped test ends well"
grep -v '^#' tests/longest | while read -r test; do [ -x "$test" ] || echo "$test"; done >"$scratch/bad"
no_arrow "tests/longest names tests that are there"
find src include tests -name '*.[ch]' ! -name '*_tbl.h' | LC_ALL=C sort >"$scratch/sources"
{
	cat "$scratch/sources"
	find tests -name '*.sh' -o -name '*.py' -o -name '*.js' -o -name '*.inc' ! -name '*_table.inc'
	find scripts -type f
} | xargs wc -l | awk '$1 > 400 && $2 != "total" { print $2 ": " $1 " lines" }' >"$scratch/bad"
no_arrow "no file has more than 400 lines"
xargs awk 'FNR == 1 { begun = 0 } /^\{/ { begun = FNR; name = before } { before = $0 }
	/^\}/ && begun { if (FNR - begun >= 50) print FILENAME ": " FNR - begun + 1 " lines: " name; begun = 0 }' \
	<"$scratch/sources" >"$scratch/bad"
no_arrow "no function has more than 50 lines"
done_testing
