#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls that reach the kernel past the hooks (io_uring, syscall(2), other libcs, inline system calls):
# bytes and positions are right all the same, and nobody else pays for it.
. "$(dirname "$0")/../lib.sh"
past=$TOP_BUILDDIR/tests/shim/shim_past
mkdir -p "$scratch/d"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
for name in a b; do
	for i in $(seq -w 0 4095); do echo "$name block $i of a file"; done >"$scratch/d/$name"
done
age "$scratch/d"

for what in late early position raw copied writes registered; do
	RAWCACHE_SETTLE=0.1 tap "$what" cached timeout 60 "$past" $what "$scratch/d/a" "$scratch/d/b" \
		"$scratch/d/written"
done

# functions that are not the hooks
seq -f %09.0f 0 9999 >"$scratch/d/lines"
seq -f 1%08.0f 0 9999 >"$scratch/d/other"
age "$scratch/d"
check "a plug-in" ${CC:-cc} -shared -fPIC -o "$scratch/plugin.so" "$TOP_SRCDIR/tests/shim/plugin.c"
own() { # FILE OPTION...
	${CC:-cc} -shared -fPIC -O1 "${@:2}" -I"$TOP_SRCDIR/src" -D_GNU_SOURCE -o "$scratch/$1" \
		"$TOP_SRCDIR/tests/shim/plugin_own.c"
}
check "a plug-in with system calls of its own" own own.so
check "a large one" own large.so -DLARGE
check "one without a build id" own nameless.so -Wl,--build-id=none

# ways WAY PLUGIN: what it does is right without the cache, with it, and where nothing else makes it look
ways() {
	local program=$TOP_BUILDDIR/tests/shim/shim_other files=("$scratch/d/lines" "$scratch/d/other" "$scratch/$2")

	[ "$1" != own ] || program=$TOP_BUILDDIR/tests/shim/shim_own
	tap "$1 $2, without the cache" "$program" "$1" "${files[@]}"
	tap "$1 $2" cached timeout 60 "$program" "$1" "${files[@]}"
	RAWCACHE_REVALIDATE=open tap "$1 $2, where nobody looks otherwise" \
		cached timeout 60 "$program" "$1" "${files[@]}"
}
for way in handle version version_next private private_default deep second next own; do
	ways $way plugin.so
done
for plugin in own large nameless; do
	ways plain $plugin.so
done
back=$scratch/back CACHED_PATH=$scratch/mnt
origin_has file 100000
origin
cached cat "$CACHED_PATH/file" >/dev/null
check "what a second libc writes to a file of a server is read at once" \
	cached timeout 60 python3 "$TOP_SRCDIR/tests/shim/past_writes.py" "$CACHED_PATH/file"
CACHED_PATH=$scratch/d
check "RTLD_NEXT and RTLD_DEFAULT mean what they mean to their caller" \
	cached "$TOP_BUILDDIR/tests/shim/shim_next" "$scratch/plugin.so"
[ "$(counter passthrough.unseen)" -gt 0 ]
ok $? "numbers that became other files are counted as \"unseen\""
at_least "$(counter passthrough.ring)" 1 "that programs have rings is counted"
at_least "$(counter passthrough.own_calls)" 1 "and that they make calls of their own"
done_testing
