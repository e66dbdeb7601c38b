#!/bin/bash
# SPDX-License-Identifier: MIT
# What must stay in the runtime directory: segments that somebody uses, and what is no segment.
# shellcheck source=tests/faults/leftovers.inc
. "$(dirname "$0")/leftovers.inc"
need python3
id=$scratch/run/rawcache-00000000-0000-0000-0000-00000000000

made "$scratch/main.img" >/dev/null
other=$(made "$scratch/other.img")
mkfifo "$scratch/go"
IMAGE=$scratch/other.img cached sh -c 'exec 3<"$0"; cat <&3 >/dev/null; exec sleep 20' "$scratch/d/f" &
pids=$!
IMAGE=$scratch/other.img cached python3 -c 'import sys
f = open(sys.argv[1], "rb"); f.read(); open(sys.argv[2]).read(); f.seek(0); print(len(f.read()))' \
	"$scratch/d/f" "$scratch/go" >"$scratch/out" &
holder=$!
python_uses() {
	"$RAWCACHE" stat --json --cache "$scratch/other.img" | grep -q '"command": *"python3"'
}
wait_until python_uses
mv "$scratch/other.img" "$scratch/hidden"
swept
stays "$other" "a segment that somebody uses stays, though the image is gone"
mv "$scratch/hidden" "$scratch/other.img"
use "$scratch/other.img"
is "$(IMAGE=$scratch/other.img counter passthrough.runtime_unreachable)" 0 "and others join it"
: >"$scratch/go"
wait "$holder"
is "$(cat "$scratch/out")" 300000 "the reader goes on"
stop "$pids"
pids=

cp --preserve=all "$other" "${id}x"
: >"$scratch/run/rawcache-notes"
: >"${id}1"
mkfifo "${id}2"
ln -s "$scratch/d/f" "${id}3"
swept
stays "$scratch/run/rawcache-notes" "a file of another name stays"
stays "${id}1" "one that is being made stays"
[ -p "${id}2" ] && [ -L "${id}3" ]
ok $? "and what is no segment"
touch -d '2 hours ago' "${id}1"
swept
gone "${id}1" "until it is hours old: its maker was killed"
done_testing
