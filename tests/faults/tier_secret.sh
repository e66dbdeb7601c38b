#!/bin/bash
# SPDX-License-Identifier: MIT
# The secret of a tier: a machine with another one has nothing of it, and a secret that others may read is refused.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((8 << 20))
age "$back"
tier_key

tier_start one two three

# the first machine fills the tier
node 1
same file "the first node"

tier_key key2
node 5
KEY=$scratch/key2 same file "a node with another secret"
is "$(counter tier_hits)" 0 "has nothing of the others"
chmod 644 "$scratch/key2"
node 5
KEY=$scratch/key2 tiered true 2>"$scratch/refusal"
is $? 1 "a secret that others may read is refused"
check "by a sentence that says what to do" grep -q "chmod 600" "$scratch/refusal"
KEY=$scratch/key3 tiered true 2>"$scratch/refusal"
is $? 1 "no secret at all is refused"
# a program that inherits it goes on without
RAWCACHE_PATHS=$CACHED_PATH RAWCACHE_DEVICE=$IMAGE RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key2 \
	RAWCACHE_TIER_NAME=$CACHED_PATH=data LD_PRELOAD=$RAWCACHE_PRELOAD cmp "$CACHED_PATH/file" "$back/file"
ok $? "a program that inherits it reads without a tier"
is "$(counter tier_gets)" 0 "and asks nothing"
done_testing
