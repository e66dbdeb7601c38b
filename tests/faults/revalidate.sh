#!/bin/bash
# SPDX-License-Identifier: MIT
# The kernel remembers a file's attributes for a minute: RAWCACHE_REVALIDATE=sync asks the server for them.
. "$(dirname "$0")/../lib.sh"
origin_has file 600000
origin --attr-timeout=60 --entry-timeout=60
image
right file "a file is read"
head -c 600000 /dev/urandom | dd of="$back/file" conv=notrunc status=none
RAWCACHE_REVALIDATE=sync right file "a change behind the kernel's back is seen at the next open"
done_testing
