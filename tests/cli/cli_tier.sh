#!/bin/bash
# SPDX-License-Identifier: MIT
# The tier without its servers: the numbers beside the secret, and what is told of a server that is not there.
# shellcheck disable=SC2181
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"
"$RAWCACHE" --version | grep -q '^features:.* tier' || skip_all "this build has no tier"
run true 2>/dev/null # makes the image
head -c 32 /dev/urandom >key
chmod 600 key
export RAWCACHE_TIER=127.0.0.1:1 RAWCACHE_TIER_KEY=$work/key RAWCACHE_TIER_NAME=$work/data=images:/mnt=models

works "tier bump" 0 "^the epoch is 1: copy $work/key.epoch" "$RAWCACHE" tier bump
works "tier bump of a data set" 0 "^the epoch of images is 2: " "$RAWCACHE" tier bump images
works "and again" 0 "^the epoch of images is 3: " "$RAWCACHE" tier bump images
works "of another one" 0 "^the epoch of models is 2: " "$RAWCACHE" tier bump models
works "of an NFS server's" 0 "^the epoch of srv: is 2: " "$RAWCACHE" tier bump srv:
is "$(cat err)" "" "without a warning"
is "$(tr '\n' , <key.epoch)" "1,2 images,1 models,1 srv:," "each has its number"
works "of one that has no name here" 0 "^the epoch of image is 2: " "$RAWCACHE" tier bump image
grep -q "RAWCACHE_TIER_NAME has no image here" err
ok $? "is told so"
refused "of a directory" 2 "give the NAME of DIR=NAME" "$RAWCACHE" tier bump /mnt
refused "of two" 2 "models is too much" "$RAWCACHE" tier bump images models
works "of all data sets" 0 "^the epoch is 4: " "$RAWCACHE" tier bump
cp "$work/key.epoch" "$work/good"
printf '5\n7\n8 images\n' >"$work/key.epoch"
refused "of a file with a line that is not understood" 1 "or mend it: NUMBER, or NUMBER NAME" "$RAWCACHE" tier bump
is "$(cat "$work/key.epoch")" "$(printf '5\n7\n8 images')" "which stays as it is"
cp "$work/good" "$work/key.epoch"
is "$(cat key.epoch)" 4 "which is more than that of each was"

# told STATE ERROR: what stat tells of the server, in each form
told() {
	works "stat tells of the server" 0 "^127.0.0.1:1  *$1 .*$2\$" "$RAWCACHE" stat
	json "stat --json" "$RAWCACHE" stat --json
	is "$(python3 -c 'import json
(s,) = json.load(open("out"))["tier"]
print(s["name"], s["late"], s["error"])')" \
		"127.0.0.1:1 0 $2" "does, too"
	"$RAWCACHE" stat --prometheus >out
	grep -q '^rawcache_tier_server_asked{server="127.0.0.1:1"} [01]$' out &&
		grep -qx 'rawcache_tier_server_late_total{server="127.0.0.1:1"} 0' out &&
		[ "$(sed -n 's/^rawcache_tier_server_last_error{.*,error="\(.*\)"} 1$/\1/p' out)" = "$2" ]
	ok $? "and so does --prometheus"
	command -v promtool >/dev/null || return 0
	check "promtool accepts it" promtool check metrics <out
}
told asked ""
head -c 3000000 /dev/urandom >data/big
age data
works "warm --tier, and nothing listens" 0 ": 2.8M are cached, " \
	env RAWCACHE_TIER= "$RAWCACHE" warm --tier 127.0.0.1:1 data/big
told ".*" "Connection refused"
for other in RAWCACHE_TIER= RAWCACHE_TIER_MODE=off RAWCACHE_TIER_KEY=none; do
	works "stat with $other" 0 "^hits" env "$other" "$RAWCACHE" stat
	is "$(grep -c ^127 out)" 0 "has no servers"
done

refused "warm --tier of nothing" 2 "tier is empty" "$RAWCACHE" warm --tier "" data
refused "of what is no list" 2 "empty or too long" "$RAWCACHE" warm --tier 127.0.0.1:1,, data
chmod 644 key
refused "warm with a secret that others may read" 1 "chmod 600" "$RAWCACHE" warm --tier 127.0.0.1:1 data
done_testing
