#!/bin/bash
# SPDX-License-Identifier: MIT
# An image that is made anew leaves nothing of the earlier one.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

"$RAWCACHE" format --size 16M again >/dev/null
"$RAWCACHE" stat --cache again >/dev/null
segment=$RAWCACHE_RUNTIME_DIR/$("$RAWCACHE" info --cache again | sed -n 's/^runtime segment *//p')
[ -e "$segment" ]
ok $? "an image has a runtime segment"
"$RAWCACHE" format --yes again >/dev/null
[ ! -e "$segment" ]
ok $? "which goes when the image is made anew"
done_testing
