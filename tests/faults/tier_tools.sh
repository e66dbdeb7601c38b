#!/bin/bash
# SPDX-License-Identifier: MIT
# What the command does with the tier: it warms an image through it, forgets one data set of it, and tells of its
# servers.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((8 << 20))
age "$scratch/back"
tier_key
tier_start server

# warmed N: a fresh machine is warmed, and has every byte of the file
warmed() {
	node "$1"
	RAWCACHE_TIER_KEY=${KEY:-$scratch/key} RAWCACHE_TIER_NAME=$CACHED_PATH=data \
		"$RAWCACHE" warm --cache "$IMAGE" --tier "$servers" "$CACHED_PATH/file" >"$scratch/said" &&
		cached cmp "$CACHED_PATH/file" "$scratch/back/file"
}
warmed 1
ok $? "warm --tier reads a file"
at_least "$(counter tier_puts)" 16 "and puts it"
tier_until tier_hits warmed 2
ok $? "another machine is warmed"
at_least "$(counter tier_hits)" 1 "from the tier"
RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key "$RAWCACHE" stat --cache "$IMAGE" >"$scratch/told"
check "stat tells what an answer of the server takes" grep -Eq "^$servers +asked .* [0-9.]+(us|ms|s) " "$scratch/told"

# bump NAME: of all machines but one that has the secret by another name
cp -p "$scratch/key" "$scratch/old"
bump() {
	RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key "$RAWCACHE" tier bump "$1" >"$scratch/said" 2>&1
}
bump others
tier_until tier_hits warmed 2
at_least "$(counter tier_hits)" 1 "another data set is forgotten: this one is still there"
bump data
warmed 2
ok $? "this one is forgotten: every byte is right"
is "$(counter tier_hits)" 0 "nothing of the tier is used"
at_least "$(counter tier_puts)" 16 "and all is put anew"
KEY=$scratch/old tier_until tier_hits warmed 2
at_least "$(counter tier_hits)" 1 "a machine that does not know of it goes on"
done_testing
