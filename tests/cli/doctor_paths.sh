#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache doctor says what becomes of the names below a path.
# shellcheck source=tests/cli/doctor.inc
. "$(dirname "$0")/doctor.inc"
image 16M

finds 0 "^ok   .*/data: absent names are not remembered: its kernel remembers them itself" \
	"a local directory" "$RAWCACHE" doctor --path data ./one
grep -q '^ok   .*/data: it can be frozen' out
ok $? "which can be frozen"
finds 0 'absent names are asked for each time, for RAWCACHE_NAMES is 0' "RAWCACHE_PATHS and RAWCACHE_NAMES count" \
	env RAWCACHE_PATHS="$scratch/bin:$scratch/data:!$scratch" RAWCACHE_NAMES=0 "$RAWCACHE" doctor ./one
is "$(grep -c 'for RAWCACHE_NAMES is 0' out)" 2 "but not directories that are excluded"
if [ -x "$ORIGIN" ] && origin_mount "$scratch/data" "$scratch/mnt"; then
	finds 0 '/mnt: absent names are asked for each time; RAWCACHE_NAMES=1 remembers them' \
		"a server of which nothing is known" "$RAWCACHE" doctor --path mnt ./one
	grep -q '^ok   .*/mnt (fuse.*) *: where nobody else .* requests: .*negative_timeout' out
	ok $? "with the options of its mount that help"
	finds 0 '/mnt: absent names are remembered, for RAWCACHE_NAMES is 1' "on which the user may say so" \
		env RAWCACHE_NAMES=1 "$RAWCACHE" doctor --path mnt ./one
fi
if [ -x "$ORIGIN" ] && command -v bindfs >/dev/null && mkdir shown && bindfs data shown; then
	mounts="$mounts $scratch/shown"
	if [ "$("$RAWCACHE" explain --names --path shown shown --json | grep -c 'not known')" = 0 ]; then
		finds 0 '/shown: absent names are remembered$' "one that passes on real times" \
			"$RAWCACHE" doctor --path shown ./one
	fi
fi
"$RAWCACHE" doctor --path nosuch ./one >out 2>err
is $?,"$(cat err)" "2,rawcache: --path nosuch: there is no such directory; create or mount it first" \
	"a path that is not there"
done_testing
