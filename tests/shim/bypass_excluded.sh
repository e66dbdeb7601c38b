#!/bin/bash
# SPDX-License-Identifier: MIT
# What is moved to where it is excluded is not served from then on, though nothing of the file itself changes; and a
# file that others may not read is theirs alone, though its bytes are in a cache that all share.
# shellcheck source=tests/shim/bypass.inc
. "$(dirname "$0")/bypass.inc"

mkdir -p "$CACHED_PATH/in/sub" "$CACHED_PATH/out"
head -c 300000 /dev/urandom >"$CACHED_PATH/in/sub/moved"
cp "$TOP_SRCDIR/tests/shim/bypass_moved.py" "$scratch/moved.py" # the tree may be on a slow mount
age "$CACHED_PATH/in"
mark counter passthrough.excluded
below RAWCACHE_PATHS="$CACHED_PATH:!$CACHED_PATH/out" python3 "$scratch/moved.py" "$CACHED_PATH"
is "$(since)" 7 "a file whose directory was moved to an excluded place"

nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
chmod 755 "$scratch"
if nobody test -x "$scratch" 2>/dev/null; then
	CACHED_PATH=$scratch/rights
	mkdir -m 755 "$CACHED_PATH" && mkdir -m 1777 "$CACHED_PATH/cache"
	head -c 300000 "$scratch/d/file" >"$CACHED_PATH/closed"
	cp "$CACHED_PATH/closed" "$CACHED_PATH/open"
	chmod 600 "$CACHED_PATH/closed"
	sleep 0.1
	IMAGE=$CACHED_PATH/cache/shared.img
	export RAWCACHE_SETTLE=0 RAWCACHE_SHARED=1
	(umask 0; exec "$RAWCACHE" format --shared --size 16M "$IMAGE") >/dev/null
	cp "$RAWCACHE_PRELOAD" "$CACHED_PATH/cache/" # the tree may be in a place that others do not reach
	RAWCACHE_PRELOAD=$CACHED_PATH/cache/${RAWCACHE_PRELOAD##*/}

	cached cat "$CACHED_PATH/closed" "$CACHED_PATH/open" >/dev/null
	mark counter hits
	cached setpriv --reuid=65534 --regid=65534 --clear-groups cat "$CACHED_PATH/open" >/dev/null
	at_least "$(since)" 1 "another user is served from the same cache"
	said=$(cached setpriv --reuid=65534 --regid=65534 --clear-groups \
		cat "$CACHED_PATH/closed" 2>&1 >"$scratch/got")
	case $said in *"Permission denied"*) true ;; *) false ;; esac
	ok $? "but not what it may not read"
	is "$(wc -c <"$scratch/got")" 0 "and gets no byte of it"
else
	skip "files that others may not read" "cannot become another user here"
fi
done_testing
