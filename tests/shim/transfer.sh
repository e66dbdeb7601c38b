#!/bin/bash
# SPDX-License-Identifier: MIT
# Transfers inside the kernel from cached files are what they are natively; the counters tell.
# shellcheck source=tests/shim/twins.inc
. "$(dirname "$0")/twins.inc"
file a 3000001
image
other=$(mktemp /dev/shm/rawcache-transfer.XXXXXX)

RAWCACHE_SENDFILE=1 compared "every call ends as natively" shim_transfer "$other" "$scratch/near"
mark counter sendfile_bytes
! sends || at_least "$(counter sendfile_bytes)" 10000000 "bytes went from the image to sockets inside the kernel"
RAWCACHE_SENDFILE=0 compared "and with RAWCACHE_SENDFILE=0" shim_transfer "$other" "$scratch/near"
is "$(since)" 0 "of which none are sent then"
rm -f "$other"

# cat copies within a file system
cached cat "$CACHED_PATH/a" >/dev/null
mark counter hit_bytes
cached cat "$CACHED_PATH/a" >"$scratch/near"
check "cat FILE >FILE copies the bytes" cmp "$scratch/near" "$scratch/local/a"
at_least "$(since)" 3000001 "out of the cache"
done_testing
