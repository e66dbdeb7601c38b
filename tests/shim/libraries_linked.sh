#!/bin/bash
# SPDX-License-Identifier: MIT
# The libraries with which a program begins are looked at when its first file is tracked.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/libraries.inc"

check "a program that is linked with one" ${CC:-cc} -fPIC -o "$scratch/linked" \
	"$TOP_SRCDIR/tests/shim/library_linked.c" "$scratch/store/lib.so" -Wl,-rpath,"$scratch/mnt" -Wl,--no-as-needed
libraries_warm
mapped=$(counter libraries_mapped)
check "a program that is linked with it" cached "$scratch/linked" "$scratch/data" "$scratch/mnt/text"
check "has the same data" cached "$scratch/linked" "$scratch/data" "$scratch/mnt/text"
is "$(($(counter libraries_mapped) - mapped))" 2 "and has them from the image"
done_testing
