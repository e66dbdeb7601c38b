#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache doctor knows the programs whose rights make the loader ignore LD_PRELOAD, and which user would ask.
# shellcheck source=tests/cli/doctor.inc
. "$(dirname "$0")/doctor.inc"
image 16M

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups env RAWCACHE_DEVICE=/nonexistent "$@"
}
if [ "$(id -u)" = 0 ] && as_nobody true 2>/dev/null && as_nobody test -x "$RAWCACHE"; then
	chmod 755 "$scratch"
	chmod 777 runtime
	cp one setuid && chmod 4755 setuid
	doctor 0 '^warn .*set-uid: it can be served for you' "a set-uid program of one's own" ./setuid
	as_nobody "$RAWCACHE" doctor ./setuid | grep -q '^fail .*set-uid'
	ok $? "a set-uid program of another user"
	cp one setgid && chmod 2755 setgid
	as_nobody "$RAWCACHE" doctor ./setgid | grep -q '^fail .*set-gid'
	ok $? "a set-gid program"
	if cp one capable && setcap cap_net_raw+ep capable 2>/dev/null; then
		as_nobody "$RAWCACHE" doctor ./capable | grep -q '^fail .*capabilities'
		ok $? "a program with file capabilities"
	fi
	if mkdir noexec && mount -t tmpfs -o noexec none noexec 2>/dev/null; then
		mounts="$mounts $scratch/noexec"
		cp "$RAWCACHE_PRELOAD" noexec/
		finds 1 '^fail the loader' "a preload object where nothing may be executed" \
			env RAWCACHE_PRELOAD="$scratch/noexec/librawcache-preload.so" "$RAWCACHE" doctor ./one
		umount noexec
	fi
fi
done_testing
