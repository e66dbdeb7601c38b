#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache doctor looks at what a program calls, and at the libraries that it gets.
# shellcheck source=tests/cli/doctor.inc
. "$(dirname "$0")/doctor.inc"
image 16M

${CC:-cc} -o deep "$TOP_SRCDIR/tests/cli/doctor_deep.c"
doctor 0 'may open with RTLD_DEEPBIND' "a program that loads plugins" ./deep
mkdir stub
echo 'int open(void) { return -1; }' | ${CC:-cc} -w -shared -fPIC -x c -o stub/librawcache-preload.so -
finds 1 '^fail the preload object .* of another version than this command' "a preload object of another version" \
	env RAWCACHE_PRELOAD="$scratch/stub/librawcache-preload.so" "$RAWCACHE" doctor ./one
! "$RAWCACHE" doctor ./one | grep 'another version'
ok $? "and not the one beside the command"
RAWCACHE_PRELOAD=$scratch/stub/librawcache-preload.so "$RAWCACHE" doctor ./deep >out 2>&1
grep -q '^warn .*/deep calls .*mq_open' out
ok $? "and calls a function without a hook, where the object has none for it"
echo 'int two(void) { return 2; }' >two.c
${CC:-cc} -shared -fPIC -o libtwo.so two.c
echo 'int two(void); int main(void) { return two(); }' >three.c
${CC:-cc} -o three three.c -L. -ltwo
doctor 1 '^fail .*libtwo.so' "a program whose library is missing" ./three
finds 0 'the loader preloads' "which is found elsewhere" env LD_LIBRARY_PATH="$scratch" "$RAWCACHE" doctor ./three
if ${CC:-cc} -fsanitize=address -o asan one.c 2>/dev/null && ldd asan | grep -q libasan; then
	doctor 0 'the loader preloads' "a program with the address sanitizer" ./asan
	is "$(cached ./asan 2>&1)" ran "which runs"
fi
done_testing
