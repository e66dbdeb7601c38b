#!/bin/bash
# SPDX-License-Identifier: MIT
# The image's disk fails under a program that runs: it gets the origin's bytes and no signal, and what went wrong is
# counted.
# shellcheck source=tests/faults/media.inc
. "$(dirname "$0")/media.inc"
IMAGE=$scratch/mnt/cache.img

disk
image_full
mark counter hits
check "an image on FUSE" work
at_least "$(since)" 100 "is read from"

disk
check "reads of the image fail, after a while" work "echo fail read EIO 0 >$control"

disk
mark counter io_errors
disk
COLD=1 check "and from the first read of data on" work "echo fail read EIO 0 >$control"
disk
at_least "$(since)" 1 "which is counted"

image_full
disk
COLD=1 check "some of them fail" work "echo fail read EIO 3 >$control" "echo fail read EIO 7 >$control"

disk
image_empty
mark counter io_errors
COLD=1 check "writes fail" work "echo fail write EIO 0 >$control"
echo clear >"$control"
at_least "$(since)" 1 "which is counted"
done_testing
