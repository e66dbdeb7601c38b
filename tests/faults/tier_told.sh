#!/bin/bash
# SPDX-License-Identifier: MIT
# What explain and doctor tell of the tier.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((8 << 20))
echo small >"$back/small"
age "$back"
tier_key

tier_start server
node 5
export RAWCACHE_TIER=$servers RAWCACHE_TIER_KEY=$scratch/key RAWCACHE_TIER_NAME=$CACHED_PATH=data
"$RAWCACHE" explain --cache "$IMAGE" --path "$CACHED_PATH" "$CACHED_PATH/file" "$CACHED_PATH/small" \
	>"$scratch/explained"
check "explain names data set and server" grep -q "^tier .*data set data; .* on $servers" "$scratch/explained"
check "explain says why a small file is not shared" grep -q "^tier .*no: it is below 64 KiB" "$scratch/explained"
"$RAWCACHE" explain --json --cache "$IMAGE" --path "$CACHED_PATH" "$CACHED_PATH/file" >"$scratch/explained"
is "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["files"][0]["tier"]["server"])' <"$scratch/explained")" \
	"$servers" "explain --json has it, too"
if "$RAWCACHE" doctor --cache "$IMAGE" cat >"$scratch/told" || ! grep -q 'unknown command' "$scratch/told"; then
	check "doctor says that the server is good" grep -q "^ok .*$servers takes a chunk" "$scratch/told"
	stop "$server_pid"
	"$RAWCACHE" doctor --cache "$IMAGE" cat >"$scratch/told"
	check "doctor says that nothing listens" grep -q "^warn .*$servers: nothing listens" "$scratch/told"
fi
done_testing
