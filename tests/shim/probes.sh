#!/bin/bash
# SPDX-License-Identifier: MIT
# What a hostile program can do with names and files that something else may answer for: it sees what it sees without
# the cache, with names and with files opened ahead. The table is in docs/notes/probes.md.
. "$(dirname "$0")/../lib.sh"
need_origin
need python3
[ "$(id -u)" -eq 0 ] || skip_all "needs root: modes are nothing to try then, nor mounts"
mkdir "$back"
origin --meta-latency=0.5
chmod a+x "$scratch"
image

# probes NAME COMMAND...: what it sees, a directory of its own each time
probes() {
	probes_name=$1
	shift
	mkdir "$back/$probes_name"
	check "all cases end, $probes_name" "$@" timeout 200 python3 "$TOP_SRCDIR/tests/shim/probes.py" \
		"$CACHED_PATH/$probes_name" "$back/$probes_name"
	sed "s,/$probes_name/,/,g" "$scratch/check.log" >"$scratch/$probes_name.seen"
}

probes alone env
at_least "$(wc -l <"$scratch/alone.seen")" 100 "they see much"
export RAWCACHE_NAMES=1
RAWCACHE_OPENAHEAD=0 probes names cached
check "with names they see the same" diff "$scratch/alone.seen" "$scratch/names.seen"
at_least "$(counter names_hits)" 30 "absent names are answered from memory"
mark counter opens_ahead
RAWCACHE_OPENAHEAD=1 probes ahead cached
check "with files opened ahead they see the same" diff "$scratch/alone.seen" "$scratch/ahead.seen"
at_least "$(since)" 200 "and files were opened ahead"
done_testing
