#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache top: bars and the map where the screen has room.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/pages.inc"

script --version >/dev/null 2>&1 || skip_all "needs script(1)"
page_of_run
(sleep 1.2; printf q) | TERM=xterm LC_ALL=C.UTF-8 timeout 20 \
	script -qec "stty rows 40 cols 100; '$RAWCACHE' top --cache '$IMAGE' -i 0.2" /dev/null >top.out 2>err
has "top has bars and the map" top.out "hit ratio" "origin /s" "misses, 99%" "map: Oo once"
(sleep 0.6; printf p; sleep 0.6; printf q) | TERM=xterm timeout 20 \
	script -qec "stty rows 15 cols 80; '$RAWCACHE' top --cache '$IMAGE' -i 0.2" /dev/null >top.out 2>err
! grep -q "hit ratio" top.out
ok $? "and none of it on a small screen"
done_testing
