#!/bin/bash
# SPDX-License-Identifier: MIT
# What terminals get and nothing else does: colours, and how far a long command is.
. "$(dirname "$0")/../lib.sh"
need script
need_origin
cd "$scratch" || exit 99
export RAWCACHE_RUNTIME_DIR=$scratch/runtime IMAGE=$scratch/i.img
mkdir runtime backing
escape=$(printf '\033')
# on_terminal COMMAND
on_terminal() {
	TERM=${TERM_GIVEN-xterm} timeout 60 script -qec "$1" /dev/null </dev/null >out 2>&1
}

on_terminal "$RAWCACHE format --size 16M $IMAGE"
grep -q "[0-9]% written, .* of " out
ok $? "format shows how far it is"
check "elsewhere it does not" sh -c '! "$0" format --yes --size 16M "$1" 2>&1 | grep "$2"' "$RAWCACHE" "$IMAGE" \
	"$escape"

head -c 3000000 /dev/urandom >backing/file
origin_mount backing mount --bandwidth=2M || skip_all "the origin cannot be mounted"
age mount
on_terminal "$RAWCACHE warm --cache $IMAGE mount/file"
grep -q "[0-9]% read, .* of 2.8M, .*/s" out
ok $? "warm shows how much it has read"
grep -q "left" out
ok $? "and how long it will take"
check "verify" sh -c '"$0" verify --cache "$1" >"$2" 2>&1 && ! grep "$3" "$2"' "$RAWCACHE" "$IMAGE" out "$escape"
on_terminal "$RAWCACHE verify --cache $IMAGE"
grep -q "[0-9]% verified" out
ok $? "shows it, too"
on_terminal "$RAWCACHE drop --cache $IMAGE mount"
grep -q "[0-9]% looked through" out
ok $? "and drop"
"$RAWCACHE" warm --cache "$IMAGE" mount/file >out 2>&1
is "$(grep -c "$escape\|left" out)" 0 "a log gets none of it"

doctor="$RAWCACHE doctor --cache $IMAGE /bin/true"
on_terminal "$doctor"
grep -q "^${escape}\[32mok" out
ok $? "doctor has colours on a terminal"
NO_COLOR=1 on_terminal "$doctor"
is "$(grep -c "$escape" out)" 0 "unless NO_COLOR is set"
NO_COLOR='' on_terminal "$doctor"
at_least "$(grep -c "$escape" out)" 1 "to more than nothing"
TERM_GIVEN=dumb on_terminal "$doctor"
is "$(grep -c "$escape" out)" 0 "or the terminal has none"
$doctor >out 2>&1
is "$(grep -c "$escape" out)" 0 "and elsewhere there are none"
done_testing
