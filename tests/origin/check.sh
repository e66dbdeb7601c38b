#!/bin/bash
# SPDX-License-Identifier: MIT
# The slow origin passes on what is below it: the same tree, attributes and changes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/check.inc"

message=$("$ORIGIN" back nowhere 2>&1)
is "$?-$message" "1-origin: nowhere: No such file or directory" "a missing mount point is one error"
"$ORIGIN" --latency=soon back mnt 2>/dev/null
is $? 2 "a bad value is refused"

mount_origin
ok $? "mounts, and returns when the mount stands"
diff -r --no-dereference back mnt >/dev/null
ok $? "the same tree"
attributes='%P %i %s %m %n %u %g %T@ %C@ %b %y\n'
is "$(find mnt -mindepth 1 -printf "$attributes" | sort)" \
	"$(find back -mindepth 1 -printf "$attributes" | sort)" "the same attributes and inode numbers"
cp -a back/tree mnt/copy && mv mnt/copy mnt/moved && rm mnt/moved/1/one &&
	touch -d @1000000000.5 mnt/moved/2/one && chmod 600 mnt/moved/2/one
ok $? "changes"
is "$(stat -c '%a %.Y' back/moved/2/one)" "600 1000000000.500000000" "changes arrive"
is "$(find mnt -name .origin -o -name stats | wc -l)" 0 "the control directory is not listed"
ls mnt/.origin/stats mnt/.origin/control >/dev/null
ok $? "but it is there"
if command -v git >/dev/null; then
	git init -q mnt/repo && cp -r back/tree mnt/repo && git -C mnt/repo add . &&
		git -C mnt/repo -c user.name=x -c user.email=x commit -qm x &&
		git clone -q mnt/repo mnt/clone && git -C mnt/clone fsck --full 2>/dev/null
	ok $? "git clone and fsck"
fi
done_testing
