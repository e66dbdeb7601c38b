#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache doctor, of a program that can be served: what it needs is there, and what is set counts.
# shellcheck source=tests/cli/doctor.inc
. "$(dirname "$0")/doctor.inc"

doctor 0 'ok   .*/one is dynamically linked' "a plain program" ./one
! grep 'liburing' out
ok $? "the libraries of the preload object are not its own"
LD_PRELOAD=$RAWCACHE_PRELOAD "$RAWCACHE" doctor ./one >out
! grep 'liburing' out
ok $? "even if LD_PRELOAD names that already"
if echo 'int io_uring_get_probe(void); int main(void) { return !io_uring_get_probe(); }' |
	${CC:-cc} -x c -o ring - -luring 2>/dev/null; then
	doctor 0 '^warn .*liburing.* submits reads' "but one's own liburing counts" ./ring
fi
grep -q '^ok   the loader preloads ' out
ok $? "into which the loader preloads the object"
grep -q '^ok   there is no image at .* yet' out
ok $? "without an image yet"
[ "$(grep -c '^fail' out)" = 0 ]
ok $? "nothing fails"
"$RAWCACHE" format --size 16M "$IMAGE" >/dev/null
doctor 0 '^ok   the image .* can be used' "an image" ./one
finds 0 'dynamically linked' "arguments and options of the program are its own" \
	"$RAWCACHE" doctor -- ./one --cache x

# what is set
finds 1 '^fail RAWCACHE_TTL=x ' "a wrong value" env RAWCACHE_TTL=x "$RAWCACHE" doctor ./one
finds 0 '^warn RAWCACHE_PAHTS .*RAWCACHE_PATHS' "an unknown variable" \
	env RAWCACHE_PAHTS=x "$RAWCACHE" doctor ./one
finds 0 '^ok   the variables are right' "variables of the command and of tests are known" \
	env RAWCACHE_TEST_BOOT_ID=11111111-1111-1111-1111-111111111111 "$RAWCACHE" doctor --cache later.img ./one
finds 1 '^fail RAWCACHE_DISABLE' "RAWCACHE_DISABLE" env RAWCACHE_DISABLE=1 "$RAWCACHE" doctor ./one
finds 1 '^fail one is listed' "RAWCACHE_SKIP" env RAWCACHE_SKIP=two:one "$RAWCACHE" doctor ./one
finds 1 '^fail the runtime segment' "a runtime directory that is missing" \
	env RAWCACHE_RUNTIME_DIR="$scratch/nowhere" "$RAWCACHE" doctor ./one
echo garbage >bad.img
finds 1 '^fail the image .*image_refused' "an image that is none" "$RAWCACHE" doctor --cache bad.img ./one
(ulimit -f 1; "$RAWCACHE" doctor ./one) | grep -q '^warn RLIMIT_FSIZE'
ok $? "a limit of the size of files"
done_testing
