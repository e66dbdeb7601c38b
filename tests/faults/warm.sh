#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache warm, ls and drop of files on a slow origin.
. "$(dirname "$0")/../lib.sh"
for i in $(seq 50); do
	origin_has "tree/$i" $((i * 1000))
done
origin_has file 33000000
origin --latency=1
image 128M
command() {
	"$RAWCACHE" "$1" --cache "$IMAGE" "${@:2}"
}

check "warm" command warm "$CACHED_PATH/tree" "$CACHED_PATH/file"
mark origin_bytes
check "warm again" command warm "$CACHED_PATH/tree" "$CACHED_PATH/file"
is "$(since)" 0 "reads nothing"
is "$(command ls | grep -c 100%)" 51 "ls lists all files, whole"
is "$(command ls "$CACHED_PATH/tree/50" | grep -c /50)" 1 "ls of one"
check "drop a file" command drop "$CACHED_PATH/file"
is "$(command ls | grep -c 100%)" 50 "ls knows it no more"
check "drop a directory" command drop "$CACHED_PATH/tree"
is "$(command ls --json | grep -c path)" 0 "nothing is left"
image 10M
command warm "$CACHED_PATH/file" >/dev/null 2>"$scratch/said"
is "$?" 1 "warm of more than fits"
check "says so" grep -q "did not fit" "$scratch/said"
done_testing
