#!/bin/bash
# SPDX-License-Identifier: MIT
# A C project is configured and built from sources on the slow origin, with the same results as without the shim.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/suite_programs.inc"

need gcc make
suite_project
suite_origin

# The same directory each time, because objects hold its name.
what=librawcache-preload.la flags=-O0 # what the compiler reads is the same
[ -z "${RAWCACHE_TESTS_FULL:-}" ] || what=all flags='-O2 -g'

# build NAME [COMMAND]...
build() {
	name=$1
	shift
	rm -rf "$scratch/work"
	mkdir "$scratch/work"
	(cd "$scratch/work" && "$@" "$m/project/configure" --disable-dependency-tracking -q CFLAGS="$flags" &&
		"$@" make -s -j2 $what) >"$scratch/$name.log" 2>&1
	status=$?
	[ $status -eq 0 ] || tail -20 "$scratch/$name.log"
	(cd "$scratch/work" && find . -name '*.o' -o -name '*.so' -o -name '*.a' -o -name config.h |
		sort | xargs sha256sum) >"$scratch/$name.sums"
	return $status
}

[ -x "$scratch/store/project/configure" ] || skip_all "no configure script in the source directory"
build native >/dev/null || skip_all "it fails without the shim: $(tail -1 "$scratch/native.log")"
for round in first ${RAWCACHE_TESTS_FULL:+second}; do
	check "a build of $(grep -c '\.o$' "$scratch/native.sums") objects: succeeds the $round time" \
		build shim "${below[@]}"
	check "a build: the same files as without the shim" \
		diff "$scratch/native.sums" "$scratch/shim.sums"
done
suite_verified 1000
done_testing
