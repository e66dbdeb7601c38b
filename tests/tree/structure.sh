#!/bin/bash
# SPDX-License-Identifier: MIT
# The rooms of the code: who may be included and called by whom. A call can go through a public header, so objects are
# asked, too.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/structure.inc"
need nm

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
allowed_libc=libc
allowed_table="libc table"
allowed_files="libc table files"
allowed_serve="libc table files serve"
allowed_hooks="libc table files serve hooks"

# layer DIRECTORY ALLOWED: quoted includes of DIRECTORY name only ALLOWED (a regular expression)
layer() {
	(cd "$src" && grep -HE '^#include "' "$1"/*.[ch]) | grep -vE "#include \"($2)/[a-z_]*\.h\"" |
		sed 's/:#include / includes /' >"$scratch/bad"
	none_of_them "src/$1 includes only $2 and public headers"
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

# calls_against: the calls of the symbols on standard input that their rooms must not make
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
none_of_them "no room of core calls a room above it"
# nor do files of a room call each other in a circle: whoever reads one can begin at the bottom
awk '$1 == "D" { defined[$3] = $2; next } { line[++n] = $0 }
	END { for (i = 1; i <= n; i++) { split(line[i], f, " ")
		if (f[3] in defined && defined[f[3]] != f[2]) print f[2], defined[f[3]] } }' "$scratch/core_symbols" |
	sort -u | tsort 2>"$scratch/bad" >/dev/null
none_of_them "no files of the engine call each other in a circle"
for room in $shim_rooms; do symbols "shim/$room" "$room"; done | calls_against | sort >"$scratch/bad"
none_of_them "no room of the shim calls a room above it"
done_testing
