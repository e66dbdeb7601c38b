#!/bin/bash
# SPDX-License-Identifier: MIT
# Images that others may write: refused, unless that was wanted.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image
cp "$image" open && chmod 666 open
for command in stat verify 'drop --yes' 'run --path data'; do
	tail=
	[ "${command%% *}" != run ] || tail=true
	# shellcheck disable=SC2086
	refused "an image others may write: ${command%% *}" 1 "chmod go-w.*RAWCACHE_SHARED" \
		"$RAWCACHE" $command --cache open $tail
done
chmod 620 open
refused "an image the group may write" 1 "chmod go-w" "$RAWCACHE" stat --cache open
works "RAWCACHE_SHARED accepts it" 0 "^hits" env RAWCACHE_SHARED=1 "$RAWCACHE" stat --cache open
(umask 007; exec "$RAWCACHE" format --shared --size 16M group) >/dev/null
[ "$(stat -c %A group)" = -rw-rw---T ]
ok $? "format --shared: the umask's mode, and the sticky bit"
works "which is accepted as it is" 0 "^hits" "$RAWCACHE" stat --cache group
[ "$(stat -c %a "$RAWCACHE_RUNTIME_DIR/$("$RAWCACHE" info --cache group | sed -n 's/^runtime segment *//p')")" = 660 ]
ok $? "as is its runtime segment"
chmod 620 group
refused "until the sticky bit is taken away" 1 "chmod go-w" "$RAWCACHE" stat --cache group
works "format without --shared takes it away" 0 "^uuid" \
	sh -c 'chmod 1600 group && "$0" format --yes --size 16M group && test ! -k group' "$RAWCACHE"
done_testing
