#!/bin/bash
# SPDX-License-Identifier: MIT
# A preload object of another version than the command: each command says so.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image
# what an older build's object lacks, or has otherwise: the note with the layout of the segment
mkdir older
LC_ALL=C sed '0,/rawcache\x00\x00\x00\x00/s//older!!!\x00\x00\x00\x00/' "$RAWCACHE_PRELOAD" \
	>older/librawcache-preload.so
! cmp -s older/librawcache-preload.so "$RAWCACHE_PRELOAD"
ok $? "an object of another version is made"
older="another version than this command.*; install both of one version, or correct RAWCACHE_PRELOAD"
for command in "run -p data true" stat "explain -p data $work/data"; do
	# shellcheck disable=SC2086
	RAWCACHE_PRELOAD=$work/older/librawcache-preload.so "$RAWCACHE" $command >out 2>err
	is "$(grep -c "warning: the preload object.*$older" err)" 1 \
		"${command%% *} says that the preload object is older"
	# shellcheck disable=SC2086
	"$RAWCACHE" $command >out 2>err
	is "$(grep -c "the preload object" err)" 0 "and nothing of one that is not"
done
done_testing
