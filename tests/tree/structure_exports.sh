#!/bin/bash
# SPDX-License-Identifier: MIT
# What the libraries export and import, and that each installed header stands alone.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/structure.inc"
need nm readelf

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

# what the installed headers declare is what the library exports, by versions that never change
installed >"$scratch/declared"
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
comm -12 "$scratch/imports" "$scratch/shim" >"$scratch/bad"
none_of_them "base and core import nothing that the shim exports"

# a function that a header declares is there for another file, or for a test
{
	symbols base base
	for room in $core_rooms; do symbols "core/$room" "$room"; done
	for room in $shim_rooms; do symbols "shim/$room" "$room"; done
	nm "$TOP_BUILDDIR"/src/cli/*.o 2>/dev/null | awk '$1 == "U" { print "U", "cli", $2 }'
	cat "$scratch/shim" "$scratch/exported" | sed 's/^/U program /'
	grep -rohw '[a-z_]*' --include='*.[ch]' "$TOP_SRCDIR/tests" | LC_ALL=C sort -u | sed 's/^/U tests /'
} | awk '$1 == "U" { wanted[$3] } $1 == "D" { defined[$3] = $2 }
	END { for (s in defined) if (!(s in wanted)) print s, defined[s] }' | LC_ALL=C sort >"$scratch/own"
find "$src" -name '*.h' -exec grep -ohw '[a-z_]*' {} + | LC_ALL=C sort -u |
	LC_ALL=C join - "$scratch/own" >"$scratch/bad"
none_of_them "what no other file uses is static"
done_testing
