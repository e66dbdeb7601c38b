#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make install` puts where, and that the installed parts work without the build tree.
. "$(dirname "$0")/../lib.sh"
[ -f "$TOP_BUILDDIR/Makefile" ] || skip_all "no build tree to install from"
unset RAWCACHE_PRELOAD LD_PRELOAD MAKEFLAGS MFLAGS
stage=$scratch/stage
variable() {
	printf 'include Makefile\nprint-%%:\n\t@echo "$(%s)"\n' "$1" |
		${MAKE:-make} --no-print-directory -s -C "$TOP_BUILDDIR" -f - "print-x" 2>/dev/null
}
bindir=$stage$(variable bindir)
libdir=$stage$(variable libdir)
includedir=$stage$(variable includedir)
mandir=$stage$(variable mandir)
datadir=$stage$(variable datadir)

check "make install DESTDIR=" ${MAKE:-make} -C "$TOP_BUILDDIR" install DESTDIR="$stage"
[ "$tap_failed" = 0 ] || done_testing
bad=
for file in "$bindir/rawcache" "$libdir/librawcache.so" "$libdir/librawcache.so.0" \
	"$libdir/pkgconfig/librawcache.pc" "$libdir/rawcache/librawcache-preload.so" \
	"$mandir/man1/rawcache.1" "$mandir/man7/rawcache.7" "$mandir/man3/librawcache.3" \
	"$mandir/man3/rawcache_store.3" "$mandir/man3/rawcache_lookup.3" \
	"$datadir/bash-completion/completions/rawcache.bash" "$datadir/zsh/site-functions/_rawcache" \
	"$datadir/fish/vendor_completions.d/rawcache.fish" \
	"$TOP_SRCDIR"/include/rawcache/*.h; do
	case $file in
	*/embed.h) continue ;; # it is not installed
	*.h) file=$includedir/rawcache/$(basename "$file") ;;
	esac
	[ -s "$file" ] || bad="$bad $file"
done
[ -z "$bad" ] || echo "# missing:$bad"
[ -z "$bad" ]
ok $? "everything is there"
ours='/_rawcache$|/rawcache$|/librawcache\.so[.0-9]*$|\.pc$|-preload\.so$'
others=$(cd "$stage" && find . ! -type d | grep -vE "$ours" | grep -vE '\.[137]$|\.h$|/rawcache\.(ba|fi)sh$')
[ -z "$others" ] || echo "# $others"
[ -z "$others" ]
ok $? "and nothing else"
check "what only the preload object needs is not" test ! -e "$includedir/rawcache/embed.h"

if [ "$(variable libdir)" = /usr/local/lib ]; then
	is "$(grep -o '/usr/local/[^ ]*\.so' "$TOP_SRCDIR/docs/quickstart/environment.md" | head -1)" \
		/usr/local/lib/rawcache/librawcache-preload.so "the page names the object where it is"
fi

# --- the command, with the object that lies beside it

export RAWCACHE_RUNTIME_DIR=$scratch/runtime
mkdir "$scratch/data" "$scratch/runtime"
RAWCACHE=$bindir/rawcache
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/data
head -c 300000 /dev/urandom >"$scratch/data/file"
sleep 2.2
check "the installed command makes an image" "$RAWCACHE" format --size 16M "$IMAGE"
is "$(cached sh -c 'echo "$LD_PRELOAD"')" "$(realpath "$libdir")/rawcache/librawcache-preload.so" \
	"it preloads the installed object"
for round in first second; do
	cached cat "$scratch/data/file" | cat >"$scratch/copy" # no file, to which cat would copy_file_range()
	cmp -s "$scratch/copy" "$scratch/data/file"
	ok $? "a program below it reads right, the $round time"
done
at_least "$(counter hit_bytes)" 300000 "and from the cache"
! ldd "$RAWCACHE" | grep -q "not found\|$TOP_BUILDDIR"
ok $? "it needs nothing of the build tree"

# --- the library, by its pkg-config file

if command -v pkg-config >/dev/null; then
	flags=$(PKG_CONFIG_PATH=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$stage \
		PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
		pkg-config --cflags --libs librawcache)
	# shellcheck disable=SC2086
	check "a program is built with the flags of pkg-config" \
		${CC:-cc} -Wall -Werror -o "$scratch/user" "$TOP_SRCDIR/tests/tree/install_user.c" $flags
	is "$(LD_LIBRARY_PATH=$libdir "$scratch/user" "$IMAGE")" 16777216 "and works"
fi
check "make uninstall" ${MAKE:-make} -C "$TOP_BUILDDIR" uninstall DESTDIR="$stage"
is "$(find "$stage" ! -type d)" "" "leaves nothing"
done_testing
