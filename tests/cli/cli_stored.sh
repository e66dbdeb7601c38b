#!/bin/bash
# SPDX-License-Identifier: MIT
# What a run stores: read again, warmed, verified, and spoiled.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image
head -c 3000000 /dev/urandom >data/big
sleep 0.1 # clock ticks: a file made just now is not stored, whatever RAWCACHE_SETTLE says
works "run --stats, cold" 0 "" env RAWCACHE_SETTLE=0 run --stats dd if=data/big bs=256k status=none
grep -q " misses.* 2.8M from the origin" err
ok $? "reads the origin"
works "run --stats, warm" 0 "" env RAWCACHE_SETTLE=0 run --stats dd if=data/big bs=256k status=none
grep -q "hit ratio 100.0%; 2.8M from the cache, 0 from the origin" err
ok $? "does not"
cmp -s out data/big
ok $? "and gives the same bytes"
ratio=$("$RAWCACHE" stat --json | python3 -c '
import json, sys
t = json.load(sys.stdin)["totals"]
cache = t["hit_bytes"] + t["mapped_bytes"]
print("%.1f" % (100 * cache / (cache + t["miss_bytes"] + t["mapped_origin_bytes"])))')
works "the table has a ratio of bytes" 0 "^byte hit ratio  *$ratio% of bytes" "$RAWCACHE" stat
! grep -qE "^(tier|names|frozen)_" out
ok $? "and no rows of parts that are not used"
works "warm of one file" 0 "^1 file, 2.8M: 2.8M are cached, 0 were read now" \
	env RAWCACHE_SETTLE=0 "$RAWCACHE" warm data/big
works "warm --dry-run of one file" 0 "^1 file, 2.8M, of which" "$RAWCACHE" warm --dry-run data/big
works "info counts what is used" 0 "^used entries *13\$" "$RAWCACHE" info
works "verify of good data" 0 "^13 extents, 2.8M: 0 with" "$RAWCACHE" verify
dd if=/dev/zero of="$image" bs=1M seek=2 count=30 conv=notrunc 2>/dev/null
works "verify of overwritten data" 1 "^13 extents, 2.8M: 13 with" "$RAWCACHE" verify
grep -q "13 bad entries were dropped" err
ok $? "tells so"
works "verify after that" 0 "^0 extents" "$RAWCACHE" verify
works "the program still reads right" 0 "" env RAWCACHE_SETTLE=0 run dd if=data/big bs=256k status=none
cmp -s out data/big
ok $? "byte for byte"
done_testing
