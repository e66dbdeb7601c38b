#!/bin/bash
# SPDX-License-Identifier: MIT
# Commands that ask before they forget, or need a terminal.
# shellcheck disable=SC2016,SC2059,SC2181
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image

refused "drop without a terminal" 1 "say --yes" "$RAWCACHE" drop
works "drop of a path" 0 "^forgot" "$RAWCACHE" drop data
works "drop --yes" 0 "^forgot" "$RAWCACHE" drop --yes
json "drop --yes --json" "$RAWCACHE" drop --yes --json
is "$(member extents bytes)" "0 0" "has its numbers"
if "$RAWCACHE" --version | grep -q '^features:.* tier'; then
	head -c 32 /dev/urandom >key
	chmod 600 key
	export RAWCACHE_TIER_KEY=$work/key
	"$RAWCACHE" tier check --json --tier 127.0.0.1:1 >out 2>err
	[ $? = 1 ] && python3 -c 'import json; (s,) = json.load(open("out"))["servers"]
assert s["name"] == "127.0.0.1:1" and not s["good"] and s["text"], s' 2>>err
	ok $? "tier check --json tells what is wrong with a server"
	json "tier status --json" "$RAWCACHE" tier status --json --tier 127.0.0.1:1
	python3 -c 'import json; (s,) = json.load(open("out"))["servers"]; assert s["asked"], s' 2>err
	ok $? "tells which servers are asked"
	unset RAWCACHE_TIER_KEY
fi
works "drop --all" 0 "^forgot" "$RAWCACHE" drop --all
has_top=$("$RAWCACHE" help top 2>/dev/null)
[ -z "$has_top" ] || refused "top without a terminal" 1 "needs a terminal" "$RAWCACHE" top
works "verify of nothing" 0 "^0 extents" "$RAWCACHE" verify
if script --version >/dev/null 2>&1; then
	printf 'n\n' | timeout 20 script -qec "$RAWCACHE drop" /dev/null >out 2>err
	[ $? = 1 ] && grep -q "y/N" out && grep -q "nothing was forgotten" out
	ok $? "drop asks on a terminal and takes no for an answer"
	printf 'y\n' | timeout 20 script -qec "$RAWCACHE drop" /dev/null >out 2>err
	[ $? = 0 ] && grep -q "forgot [0-9]* extents" out
	ok $? "and yes"
fi
if [ -n "$has_top" ] && script --version >/dev/null 2>&1; then
	(sleep 1; printf 'sr'; sleep 0.5; printf q) |
		TERM=xterm timeout 20 script -qec "$RAWCACHE top -i 0.2" /dev/null >out 2>err
	[ $? = 0 ] && grep -q "HITS" out
	ok $? "top draws, takes keys and leaves"
	TERM=nonsense timeout 20 script -qec "$RAWCACHE top" /dev/null </dev/null >out 2>err
	[ $? = 1 ] && grep -q "terminal type nonsense" out
	ok $? "top on an unknown terminal"
fi
script --version >/dev/null 2>&1 || skip "questions on a terminal" "needs script(1)"
done_testing
