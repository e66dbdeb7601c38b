#!/bin/bash
# SPDX-License-Identifier: MIT
# The shape of the tree: who includes whom, what the libraries export and import.
. "$(dirname "$0")/lib.sh"
need nm
src=$TOP_SRCDIR/src

# layer DIRECTORY ALLOWED: quoted includes of DIRECTORY name only ALLOWED (a regular expression)
layer() {
	bad=$(grep -HnE '^#include "' "$src/$1"/*.[ch] | grep -vE "#include \"($2)/")
	[ -z "$bad" ] || echo "$bad" | sed 's/^/# /'
	[ -z "$bad" ]
	ok $? "src/$1 includes only $2 and public headers"
}
layer base base
layer core 'base|core'
layer shim 'base|shim'
layer cli 'base|cli'

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

# what the headers declare is what the library exports
sed -n 's/^[a-z].*[ *]\(rawcache_[a-z_]*\)(.*/\1/p' "$TOP_SRCDIR"/include/rawcache/*.h |
	sort -u >"$scratch/declared"
exports "$library" >"$scratch/exported"
check "librawcache exports exactly what the headers declare" \
	diff "$scratch/declared" "$scratch/exported"

# the table of hooks is what the preload object exports
exports "$shim" >"$scratch/shim"
sed -n 's/^SYMBOL([^,]*, \([A-Za-z0-9_]*\),.*/\1/p; s/^ALIAS(\([A-Za-z0-9_]*\),.*/\1/p' \
	"$src/shim/symbols_tbl.h" | sort -u >"$scratch/table"
check "librawcache-preload exports exactly its table" diff "$scratch/table" "$scratch/shim"

# base and core must not call what the shim replaces
nm --undefined-only "$TOP_BUILDDIR"/src/base/.libs/*.o "$TOP_BUILDDIR"/src/core/.libs/*.o \
	2>/dev/null | awk 'NF == 2 { print $2 }' | sort -u >"$scratch/imports"
[ -s "$scratch/imports" ]
ok $? "the engine's objects were found"
bad=$(comm -12 "$scratch/imports" "$scratch/shim")
[ -z "$bad" ] || echo "# $bad"
[ -z "$bad" ]
ok $? "base and core import nothing that the shim exports"
done_testing
