#!/bin/bash
# SPDX-License-Identifier: MIT
# rpmbuild accepts the spec and makes packages of what it builds.
. "$(dirname "$0")/../lib.sh"
need rpmbuild rpm
unset MAKEFLAGS MFLAGS
[ -f "$TOP_SRCDIR/build/Makefile" ] || skip_all "scripts/rpm takes the tarball of build/"
[ "${RAWCACHE_TESTS_FULL:-}" = 1 ] || export CFLAGS=-O0 XZ_OPT=-0 # as in deb.sh
RPM_OPTIONS=--nodeps "$TOP_SRCDIR/scripts/rpm" "$scratch/rpm" >"$scratch/out" 2>"$scratch/err"
is $? 0 "scripts/rpm builds packages"
sed 's/^/# /' "$scratch/err"
is "$(sed 's,.*/,,; s/-[0-9].*//' "$scratch/out" | grep -v debug | sort | tr '\n' ' ')" \
	"librawcache librawcache-devel rawcache rawcache-preload " "these four"
for package in $(grep -v debug "$scratch/out"); do
	rpm -qlp "$package" 2>/dev/null
done >"$scratch/files"
# rpm compresses pages by a script of bash, which is not the shell of Debian: there they may stay as they are
for file in bin/rawcache lib64/rawcache/librawcache-preload.so share/man/man1/rawcache.1 include/rawcache/file.h; do
	grep -qxE "/usr/$file(\.gz)?" "$scratch/files"
	ok $? "/usr/$file is there"
done
done_testing
