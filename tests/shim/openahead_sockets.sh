#!/bin/bash
# SPDX-License-Identifier: MIT
# Files that wait for programs lie in sockets, where the kernel counts them for all programs of a user together: they
# are so few that others of that user can still send files of theirs.
. "$(dirname "$0")/../lib.sh"
need_origin
need python3
need setpriv
[ "$(id -u)" -eq 0 ] || skip_all "needs root, to become a user without capabilities"
mkdir -p "$back"/d{0..9}
for f in $(seq 0 799); do echo "file $f" >"$back/d$((f % 10))/f$f"; done
chmod -R a+rX "$back"
origin --meta-latency=2
chmod a+x "$scratch"
image
chmod a+rw "$IMAGE"
export RAWCACHE_OPENAHEAD=1 RAWCACHE_SHARED=1

# 24 programs, each of which could have 32 files waiting
for _ in $(seq 24); do
	setpriv --reuid=65534 --regid=65534 --clear-groups "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- \
		sh -c 'while [ -d "$1/d0" ]; do grep -rhs file "$1" >/dev/null; done' sh "$CACHED_PATH" &
	pids="$pids $!"
done
mark counter opens_ahead
sleep 3
python3 "$TOP_SRCDIR/tests/shim/openahead_sockets.py" >"$scratch/sent"
is "$(cat "$scratch/sent")" "" "a program of a user whose programs have files opened ahead can send files"
at_least "$(since)" 1000 "and they have many opened"
done_testing
