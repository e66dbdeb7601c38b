#!/bin/bash
# SPDX-License-Identifier: MIT
# Files that are changed past the cache while threads and processes read them, all bytes checked: see
# tests/faults/torture_change.c. usage: change.sh [SECONDS [SEED]] (an hour: change.sh 1800); twice, on a
# local file system and on FUSE, where the kernel keeps attributes for a second
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/torture.inc"
need_origin
seconds=${1:-12}
seed=${2:-1}
mkdir -p "$scratch/local" "$scratch/back"
origin_mount "$scratch/back" "$scratch/fuse" || skip_all "the origin cannot be mounted"

torture "$scratch/local" "$scratch/local" strict "$TOP_BUILDDIR/tests/faults/torture_change"
torture "$scratch/fuse" "$scratch/back" late "$TOP_BUILDDIR/tests/faults/torture_change"
done_testing
