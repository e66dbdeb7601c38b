#!/bin/bash
# SPDX-License-Identifier: MIT
# The switches of configure: without the command, or parts of it, their libraries are not needed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/configure.inc"

# commands NAME: what its commands.c lists
commands() {
	make -s -C "$scratch/$1" src/cli/rawcache-commands.o >"$scratch/$1/made" 2>&1 ||
		sed 's/^/# /' "$scratch/$1/made"
	nm "$scratch/$1/src/cli/rawcache-commands.o" | sed -n 's/.* U command_//p' | sort | tr '\n' ' '
}

without '*ncursesw* | *libelf* | *smartcols*'
configured all
check "the command needs libsmartcols, and configure says so" grep -qi smartcols "$scratch/all/out"
configured none --disable-command
check "the library and the preload object need none of its libraries" test -f "$scratch/none/Makefile"
make -n -C "$scratch/none" install-binPROGRAMS >"$scratch/none/made" 2>&1
check "and no command is installed" grep -q "list=''" "$scratch/none/made"

without '*ncursesw* | *libelf*'
if pkg-config --exists smartcols; then
	configured small --disable-top --disable-doctor
	is "$(commands small)" "drop du explain export format help info ls run set setup stat thaw tier verify warm " \
		"without top and doctor neither ncurses nor libelf is needed"
else
	skip "without top and doctor" "libsmartcols is not installed"
fi
done_testing
