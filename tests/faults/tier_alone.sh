#!/bin/bash
# SPDX-License-Identifier: MIT
# A process that has no network, or a container's own: the others of its machine go on as before.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || skip_all "network namespaces cannot be made here"
tier_file $((8 << 20))
age "$back"
tier_key

tier_start server

# the first machine fills the tier
node 1
reads "a node fills the tier"

node 6
tiered unshare -n cmp "$CACHED_PATH/file" "$back/file"
ok $? "without a network: the program has every byte"
is "$(counter tier_hits) $(counter tier_errors)" "0 0" "and no server is thought to have failed"
"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
tiered unshare -n sh -c 'ip link set lo up; exec cmp "$1" "$2"' - "$CACHED_PATH/file" "$back/file"
ok $? "a container's own 127.0.0.1, where nothing listens: the program has every byte"
at_least "$(counter tier_errors)" 1 "it is refused there"
for _ in $(seq 20); do
	"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
	tiered cmp "$CACHED_PATH/file" "$back/file"
	[ "$(counter tier_hits)" -eq 0 ] || break
done
at_least "$(counter tier_hits)" 1 "another program of the machine asks the server"
RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key "$RAWCACHE" tier status --cache "$IMAGE" >"$scratch/told"
check "tier status tells how long an answer takes" grep -q "^127.*an answer takes [0-9.]* ms" "$scratch/told"
is "$(grep -c "the last error" "$scratch/told")" 0 \
	"and of no error: what another network has is no server of ours"
done_testing
