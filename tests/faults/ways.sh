#!/bin/bash
# SPDX-License-Identifier: MIT
# Files that are changed past the cache, read in all ways by programs that make calls past it as well, all
# bytes checked: see tests/faults/torture_ways.c. usage: ways.sh [SECONDS [SEED]] (an hour: ways.sh 1800); twice, on a
# local file system and on FUSE, where the kernel keeps attributes for a second
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/torture.inc"
need_origin
seconds=${1:-30}
seed=${2:-1}
ways=$TOP_BUILDDIR/tests/faults/torture_ways
mkdir -p "$scratch/local" "$scratch/back"
origin_mount "$scratch/back" "$scratch/fuse" || skip_all "the origin cannot be mounted"
check "a plug-in" ${CC:-cc} -shared -fPIC -o "$scratch/plugin.so" "$TOP_SRCDIR/tests/shim/plugin.c"

torture "$scratch/local" "$scratch/local" strict "$ways" "$scratch/plugin.so"
torture "$scratch/fuse" "$scratch/back" late "$ways" "$scratch/plugin.so"
done_testing
