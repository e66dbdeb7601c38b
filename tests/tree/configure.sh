#!/bin/bash
# SPDX-License-Identifier: MIT
# The switches of configure: without the command, or parts of it, their libraries are not needed.
. "$(dirname "$0")/../lib.sh"
need pkg-config

# a pkg-config that does not know the libraries of the command
mkdir "$scratch/bin"
cat >"$scratch/bin/pkg-config" <<EOF
#!/bin/sh
case "\$*" in *ncursesw* | *libelf* | *smartcols*) exit 1 ;; esac
exec $(command -v pkg-config) "\$@"
EOF
chmod +x "$scratch/bin/pkg-config"

# configured NAME SWITCH...: in $scratch/NAME
configured() {
	mkdir "$scratch/$1"
	(cd "$scratch/$1" && PKG_CONFIG=$scratch/bin/pkg-config "$TOP_SRCDIR/configure" -q "${@:2}") \
		>"$scratch/$1/out" 2>&1
}
# commands NAME: what its main.c knows of
commands() {
	make -s -C "$scratch/$1" src/cli/rawcache-main.o >"$scratch/$1/made" 2>&1 || sed 's/^/# /' "$scratch/$1/made"
	nm "$scratch/$1/src/cli/rawcache-main.o" | sed -n 's/.* U command_//p' | sort | tr '\n' ' '
}

configured all
check "the command needs libsmartcols, and configure says so" grep -qi smartcols "$scratch/all/out"
configured none --disable-command
check "the library and the preload object need none of its libraries" test -f "$scratch/none/Makefile"
make -n -C "$scratch/none" install-binPROGRAMS >"$scratch/none/made" 2>&1
check "and no command is installed" grep -q "list=''" "$scratch/none/made"

cat >"$scratch/bin/pkg-config" <<EOF
#!/bin/sh
case "\$*" in *ncursesw* | *libelf*) exit 1 ;; esac
exec $(command -v pkg-config) "\$@"
EOF
if pkg-config --exists smartcols; then
	configured small --disable-top --disable-doctor
	is "$(commands small)" "drop du explain export format help info ls run set setup stat tier verify warm " \
		"without top and doctor neither ncurses nor libelf is needed"
else
	skip "without top and doctor" "libsmartcols is not installed"
fi
done_testing
