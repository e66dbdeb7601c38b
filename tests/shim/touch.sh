#!/bin/bash
# SPDX-License-Identifier: MIT
# Mappings of which little is touched: little is fetched, and it is cached when the program has ended.
. "$(dirname "$0")/../lib.sh"
need_origin
need python3
mkdir -p "$scratch/back"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mount
"$RAWCACHE" format --size 512M "$IMAGE" >/dev/null || exit 1
head -c 48M /dev/urandom >"$scratch/back/large"
head -c 200000 /dev/urandom >"$scratch/back/small"
echo >"$scratch/back/lock"
export RAWCACHE_SETTLE=0
sleep 0.1

# reads FILE PLACES [HOW]: bytes that the origin gave while a program mapped the file and touched these places
reads() {
	origin_mount "$scratch/back" "$scratch/mount" >/dev/null || exit 1
	cached python3 "$TOP_SRCDIR/tests/shim/touch_places.py" "$scratch/mount/$1" "$2" "${3:-0}" \
		2>"$scratch/err" || cat "$scratch/err" >&2
	origin_stat "$scratch/mount" read_bytes
	origin_umount "$scratch/mount"
}
chunk=$((256 * 1024))
few='[5, 20_000_000, 40_000_000]'
# what the kernel reads around a page, and the rest of each chunk
at_most "$(reads large "$few")" $((3 * 2 * chunk)) "three places of 48 MiB: not much more than they are is fetched"
is "$(reads large "$few")" 0 "and then they are cached"
at_most "$(reads large '[30_000_000]')" $((2 * chunk)) "a place that was not touched is fetched alone"
at_most "$(reads large "$few + [10_000_000]")" $((2 * chunk)) "also beside others that are cached"
"$RAWCACHE" drop --cache "$IMAGE" --all >/dev/null
single='[(9 * k + 1) * 262_144 + 74_000 for k in range(20)]'
# on a busy machine a page may come twice: when it is touched, and with the rest
at_most "$(reads large "$single")" $((20 * chunk + 20 * 8192)) \
	"of single chunks that are touched, the rest is fetched, and no more"
for _ in 1 2 3; do # on a busy machine a program may not have waited for all of it
	got=$(reads large "$single")
	[ "$got" != 0 ] || break
done
is "$got" 0 "and then they are cached"
at_most "$(reads small '[0]')" $chunk "a small file is fetched"
is "$(reads small 'range(0, 200_000, 4096)')" 0 "as a whole"
at_most "$(reads large 'range(0, 48 << 20, 4096)')" $((52 << 20)) "what is touched wholly is fetched once"
for _ in 1 2 3; do # a program that ends waits for what it has touched, but not for ever
	got=$(reads large 'range(0, 48 << 20, 4096)')
	[ "$got" != 0 ] || break
done
is "$got" 0 "and then it is cached"
for _ in 1 2 3 4 5; do # on a busy machine nobody may have looked in time
	"$RAWCACHE" drop --cache "$IMAGE" --all >/dev/null
	got=$(reads large 'range(0, 16 << 20, 4096)')
	[ "$got" -lt $((20 << 20)) ] || break
done
at_least "$got" $((20 << 20)) "behind what is touched wholly more is asked for in advance"
at_most "$got" $((34 << 20)) "as much at most as was touched"
"$RAWCACHE" drop --cache "$IMAGE" --all >/dev/null
at_least "$(reads large '[0]' 32768)" $((48 << 20)) "MAP_POPULATE fetches all"
is "$(reads large 'range(0, 48 << 20, 4096)')" 0 "of it"
done_testing
