#!/bin/bash
# SPDX-License-Identifier: MIT
# Libraries of single commands are loaded when they are used, and can be left out.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/export.inc"

# all commands would wait for it and for what it needs
binary=$TOP_BUILDDIR/.libs/rawcache
[ -x "$binary" ] || binary=$TOP_BUILDDIR/rawcache
is "$(readelf -d "$binary" | grep -c 'NEEDED.*\(microhttpd\|smartcols\|ncurses\|tinfo\|libelf\)')" 0 \
	"libraries of single commands are loaded when they are used only"
mkdir fake
echo 'int nothing;' | ${CC:-cc} -shared -fPIC -x c - -o fake/libsmartcols.so.1
LD_LIBRARY_PATH=$PWD/fake "$RAWCACHE" stat --cache "$IMAGE" >out 2>err
is "$?: $(cat err)" "1: rawcache: a table needs libsmartcols.so.1, which cannot be loaded; install it" \
	"a library without its functions is told, and nothing is called"
src=$TOP_SRCDIR/src
check "the command is built without libmicrohttpd" ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$src" \
	-I"$TOP_SRCDIR/include" -o without "$TOP_SRCDIR/tests/cli/export_without.c" \
	"$src/cli/export_http.c" "$src/cli/say.c" "$src/cli/text.c" \
	"$src/base/size.c"
./without 2>err
[ $? = 1 ] && grep -q "built without libmicrohttpd.*--textfile" err && [ "$(wc -l <err)" = 1 ]
ok $? "and says so in one sentence"
done_testing
