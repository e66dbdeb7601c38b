#!/bin/bash
# SPDX-License-Identifier: MIT
# Images of other users, and what who may only read may do.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

[ "$(id -u)" = 0 ] && as_nobody true 2>/dev/null || skip_all "needs root and setpriv"
run true 2>/dev/null # makes the image
chmod 755 "$work" && cp "$image" others
chmod 600 others
refused "an image that may not be read" 1 "Permission denied" as_nobody "$RAWCACHE" info --cache others
chmod 644 others
works "an image that may only be read" 0 "^hits" as_nobody "$RAWCACHE" stat --cache others
wanted="no permission to write the image others.*; do it as its owner"
refused "drop by who may not write" 1 "$wanted" as_nobody "$RAWCACHE" drop --yes --cache others
refused "drop of a path by who may not write" 1 "$wanted" \
	as_nobody "$RAWCACHE" drop --cache others "$work/data"
refused "set by who may not write" 1 "$wanted" \
	as_nobody "$RAWCACHE" set --cache others mmap_threshold=auto
refused "warm by who may not write" 1 "$wanted" \
	as_nobody "$RAWCACHE" warm --cache others "$work/data"
works "run --stats by who may not write" 3 "^ran" \
	as_nobody "$RAWCACHE" run --stats -p "$work/data" --cache others sh -c 'echo ran; exit 3'
[ "$(wc -l <err)" = 1 ] &&
	grep -q "nothing is counted, for you may only read the image others; ask its owner" err
ok $? "tells in one line that nothing can be counted"
chown 1 others
refused "an image of another user" 1 "another user.*RAWCACHE_SHARED" \
	as_nobody "$RAWCACHE" stat --cache others
chmod 1666 others
refused "though he marked it as shared" 1 "RAWCACHE_SHARED" as_nobody "$RAWCACHE" stat --cache others
chmod 777 runtime
(umask 0; exec "$RAWCACHE" format --shared --size 16M everybody) >/dev/null
works "but not when root did" 0 "^hits" as_nobody "$RAWCACHE" stat --cache everybody
works "for everybody together" 0 "^hits" "$RAWCACHE" stat --cache everybody
refused "a cache directory that cannot be made" 1 "cannot make the directory" \
	as_nobody env -u XDG_CACHE_HOME "$RAWCACHE" run --path "$work/data" true
chmod 700 "$work"
done_testing
