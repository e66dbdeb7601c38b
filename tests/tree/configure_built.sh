#!/bin/bash
# SPDX-License-Identifier: MIT
# What is built without some of it works, and with what is built with all of it: first the libraries alone, then the
# command without all that can be left out.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/configure.inc"

unset LD_PRELOAD MAKEFLAGS MFLAGS
export RAWCACHE_RUNTIME_DIR=$scratch/runtime IMAGE=$scratch/cache.img CACHED_PATH=$scratch/data
mkdir "$scratch/runtime" "$scratch/data"
seq 100000 >"$scratch/data/file"
age "$scratch/data"
bytes=$(stat -c %s "$scratch/data/file")
"$RAWCACHE" format --size 16M "$IMAGE" >/dev/null
# built NAME SWITCH...: make it, too; without optimisation that takes a third of the time
built() {
	configured "$1" "${@:2}"
	make -j2 -C "$scratch/$1" all >"$scratch/$1/made" 2>&1 </dev/null || {
		sed 's/^/# /' "$scratch/$1/out"
		tail -n 20 "$scratch/$1/made" | sed 's/^/# /'
		return 1
	}
}
# reads PRELOAD NAME: a program below it reads the file right
reads() {
	env LD_PRELOAD="$1" RAWCACHE_DEVICE="$IMAGE" RAWCACHE_PATHS="$CACHED_PATH" cat "$scratch/data/file" |
		cmp - "$scratch/data/file"
	ok $? "$2"
}
without '*smartcols* | *ncursesw* | *libelf* | *microhttpd*'
check "--disable-command --without-tier --without-completions builds" \
	built least --disable-command --without-tier --without-completions
object=$scratch/least/.libs/librawcache-preload.so
reads "$object" "its preload object stores"
before=$(counter hit_bytes)
reads "$RAWCACHE_PRELOAD" "what another one, with everything, reads"
at_least "$(($(counter hit_bytes) - before))" "$bytes" "from the image"
before=$(counter hit_bytes)
reads "$object" "and it reads what is there"
at_least "$(($(counter hit_bytes) - before))" "$bytes" "from the image, too"
is "$(nm -D "$object" | grep -c ' tier_\| sodium')" 0 "it has nothing of the tier"
cp -a "$scratch/least" "$scratch/few" # where the engine is the same, and is not compiled again
make -C "$scratch/least" install DESTDIR="$scratch/stage" >"$scratch/least/made" 2>&1
is "$(cd "$scratch/stage" && find . -name '*rawcache*' ! -type d | grep -E 'bin/|completion|man1|site-functions')" "" \
	"nothing of the command is installed"
check "and all of it is uninstalled" \
	sh -c 'make -C "$0" uninstall DESTDIR="$1" && [ -z "$(find "$1" ! -type d)" ]' "$scratch/least" "$scratch/stage"

without '*ncursesw* | *libelf* | *microhttpd*'
if ! pkg-config --exists smartcols; then
	skip "the command without what can be left out" "libsmartcols is not installed"
	done_testing
fi
check "the command builds without top, doctor, tier, microhttpd and completions" built few --disable-top \
	--disable-doctor --without-tier --without-microhttpd --without-completions
few=$scratch/few/rawcache
unset RAWCACHE_PRELOAD
is "$("$few" --version | sed -n 's/^features: *//p')" export "--version tells what it has"
"$few" run --cache "$IMAGE" --path "$CACHED_PATH" --stats -- cat "$scratch/data/file" 2>"$scratch/err" |
	cmp - "$scratch/data/file"
ok $? "it runs a program"
grep -q "0 misses, hit ratio 100.0%" "$scratch/err"
ok $? "from the image"
"$few" run --cache "$IMAGE" --path "$CACHED_PATH" --tier localhost:1 -- true 2>"$scratch/err"
[ $? -ne 0 ] && grep -q "built without the tier" "$scratch/err"
ok $? "a tier is refused, with the reason"
for command in check status bump; do
	"$few" tier $command --cache "$IMAGE" --tier 127.0.0.1:1 >"$scratch/out" 2>"$scratch/err"
	[ $? = 1 ] && [ ! -s "$scratch/out" ] && [ "$(wc -l <"$scratch/err")" = 1 ] &&
		grep -q "built without the tier .*; install one that has it" "$scratch/err"
	ok $? "tier $command is refused with one sentence"
done
"$few" export --cache "$IMAGE" --listen 127.0.0.1:0 2>"$scratch/err"
[ $? = 1 ] && grep -q "export --textfile FILE. works without" "$scratch/err"
ok $? "and so is --listen"
check "export --textfile works" "$few" export --cache "$IMAGE" --textfile "$scratch/rawcache.prom"
for command in stat info ls du verify; do
	check "$command works" "$few" "$command" --cache "$IMAGE"
done
make -C "$scratch/few" install DESTDIR="$scratch/stage" >"$scratch/few/made" 2>&1
is "$(cd "$scratch/stage" && find . ! -type d | grep -E 'completion|site-functions')" "" "no completions are installed"
check "but the command is" test -x "$(find "$scratch/stage" -name rawcache -type f -path '*bin/*')"
done_testing
