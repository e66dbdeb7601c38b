#!/bin/bash
# SPDX-License-Identifier: MIT
# The end of a frozen tree: it is thawed for programs that run already, or its time is over.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/frozen.inc"

freeze
echo "third bytes" >"$back/a/b"
sleep 1.2 # so long the kernel believes what it knows of the file
frozen sh -c 'cat "$1/a/b"; "$2" thaw --cache "$3" "$1"; cat "$1/a/b"; test -e "$1/a/b"' - "$CACHED_PATH" \
	"$RAWCACHE" "$IMAGE" >"$scratch/out" 2>&1
is "$(tr '\n' ' ' <"$scratch/out")" "some bytes third bytes " "a tree is thawed for programs that run already"
is "$(record)" "" "its record is gone"
sleep 2.2
LIMIT='=1s' frozen sh -c 'read x <"$1/a/b"; echo fourth >"$2/a/b"; read y <"$1/a/b"
	sleep 1.2; read z <"$1/a/b"; echo "$x, $y, $z"' - "$CACHED_PATH" "$back" >"$scratch/out"
is "$(cat "$scratch/out")" "third bytes, third bytes, fourth" "with a time it ends by itself"
done_testing
