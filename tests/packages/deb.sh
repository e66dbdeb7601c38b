#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/deb builds packages that lintian finds nothing wrong with, and that work once they are unpacked.
. "$(dirname "$0")/../lib.sh"
need dpkg-deb dpkg-buildpackage dh lintian
[ -f "$TOP_SRCDIR/debian/rules" ] || skip_all "there is no debian/ here"
unset MAKEFLAGS MFLAGS RAWCACHE_PRELOAD LD_PRELOAD
# the compiler's optimisation is not looked at here; without it, it takes half of the time
[ "${RAWCACHE_TESTS_FULL:-}" = 1 ] || export DEB_BUILD_OPTIONS=noopt
export RAWCACHE_RUNTIME_DIR=$scratch/runtime
mkdir "$scratch/runtime" "$scratch/data"
"$TOP_SRCDIR/scripts/deb" "$scratch/deb" >"$scratch/out" 2>"$scratch/err"
is $? 0 "scripts/deb builds them, and lintian has no errors or warnings"
sed 's/^/# /' "$scratch/err"
[ "$tap_failed" = 0 ] || done_testing
cd "$scratch/deb" || exit 99
is "$(find . -name '*.deb' ! -name '*dbgsym*' | sed 's,^./,,; s/_.*//' | sort | tr '\n' ' ')" \
	"librawcache-dev librawcache0 rawcache rawcache-preload " "four packages"
for package in ./*.deb; do
	dpkg-deb -x "$package" "$scratch/root"
done
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
object=$scratch/root/usr/lib/$triplet/rawcache/librawcache-preload.so
check "the object is in the multiarch directory" test -s "$object"
RAWCACHE=$scratch/root/usr/bin/rawcache
export RAWCACHE_PRELOAD=$object IMAGE=$scratch/i.img CACHED_PATH=$scratch/data
seq 200000 >"$scratch/data/file"
age "$scratch/data"
"$RAWCACHE" format --size 16M "$IMAGE" >/dev/null
for _ in first second; do
	cached cat "$scratch/data/file" | cmp - "$scratch/data/file"
done
at_least "$(counter hit_bytes)" "$(stat -c %s "$scratch/data/file")" "the unpacked command caches"
# the loader's $LIB, below a directory that stands for /usr
ln -s "$scratch/root/usr" "$scratch/usr"
before=$(counter hit_bytes)
# shellcheck disable=SC2016
env RAWCACHE_DEVICE="$IMAGE" RAWCACHE_PATHS="$CACHED_PATH" \
	LD_PRELOAD="$scratch/usr/"'$LIB/rawcache/librawcache-preload.so' \
	cat "$scratch/data/file" 2>"$scratch/err" >/dev/null
is "$(cat "$scratch/err")" "" 'the loader finds the object by $LIB'
at_least "$(($(counter hit_bytes) - before))" "$(stat -c %s "$scratch/data/file")" "which caches"
"$RAWCACHE" --version | grep -qE '^commit: ([0-9a-f]{12}|unknown)'
ok $? "the command knows its commit"
done_testing
