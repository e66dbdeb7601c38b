#!/bin/bash
# SPDX-License-Identifier: MIT
# Servers whose clocks are ahead, and whose times are whole seconds: a file is not cached before its time tells the
# next change.
# shellcheck source=tests/faults/packed.inc
. "$(dirname "$0")/packed.inc"
need_origin
image
mkdir "$scratch/tree"
f=$scratch/m/f
served=$scratch/tree/f

for clock in 7200 864000; do
	origin_mount "$scratch/tree" "$scratch/m" --seconds --clock=$clock --attr-timeout=0 || exit 1
	cat "$scratch/content1" >"$served"
	touch -d @1700000000.1 "$served"
	shows 1 "$f" "a server $clock s ahead"
	is "$(reason "$f")" none "what was changed long ago is cached"
	python3 -c 'import time; t = time.time(); time.sleep(1.02 - t % 1)' # a second begins
	cat "$scratch/content1" >"$served"
	is "$(reason "$f")" unsettled "what it calls the future is not"
	shows 1 "$f" "the first version"
	cat "$scratch/content2" >"$served"
	shows 2 "$f" "the second within the same second"
	sleep 2.2
	shows 2 "$f" "and later"
	origin_umount "$scratch/m"
done

export RAWCACHE_SETTLE=0
origin_mount "$scratch/tree" "$scratch/m" --seconds --attr-timeout=0 || exit 1
cat "$scratch/content1" >"$served"
is "$(reason "$f")" unsettled "whole seconds take two of them, whatever RAWCACHE_SETTLE says"
sleep 2.1
is "$(reason "$f")" none "and no more"
origin_umount "$scratch/m"

origin_mount "$scratch/tree" "$scratch/m" --attr-timeout=0 || exit 1
cat "$scratch/content2" >"$served"
sleep 0.1
is "$(reason "$f")" none "finer ones do not"
touch -d '2100-01-01' "$served"
is "$(reason "$f")" unsettled "a time in the future is never settled, if the server may have set it"
done_testing
