#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache doctor: what keeps a program from being served is found, and nothing else.
. "$(dirname "$0")/../lib.sh"
cd "$scratch" || exit 99
IMAGE=$scratch/cache.img
export RAWCACHE_RUNTIME_DIR=$scratch/runtime RAWCACHE_DEVICE=$IMAGE
unset LD_PRELOAD
"$RAWCACHE" help doctor >/dev/null 2>&1 || skip_all "built without doctor"
mkdir runtime bin data
CACHED_PATH=$scratch/data

# finds STATUS PATTERN NAME [COMMAND...]: what doctor says of a program
finds() {
	wanted=$1 pattern=$2 name=$3
	shift 3
	timeout 60 "$@" >out 2>err
	status=$?
	[ $status = "$wanted" ] && grep -q -e "$pattern" out && [ ! -s err ] &&
		! grep -qv '^\(ok  \|warn\|fail\) ' out
	result=$?
	[ $result = 0 ] || { echo "# status $status, wanted $wanted and: $pattern"; sed 's/^/# /' out err; }
	ok $result "$name"
}
doctor() {
	finds "$1" "$2" "$3" "$RAWCACHE" doctor "$4"
}

cat >one.c <<'PROGRAM'
#include <stdio.h>
int main(void)
{
	return puts("ran") < 0;
}
PROGRAM
compile() {
	${CC:-cc} one.c "$@" 2>/dev/null
}
compile -o one || skip_all "no compiler"

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

finds 1 '^fail there is no program no?such' "a newline in a name" "$RAWCACHE" doctor "no
such"
doctor 1 '^fail there is no program nosuch in PATH' "a program that does not exist" nosuch
doctor 1 '^fail \./one.c cannot be executed' "a file that is no program" ./one.c
doctor 1 '^fail .* cannot be executed' "a directory" ./data
printf '#!/usr/bin/env -S FOO=1 sh -e\n' >bin/script && chmod +x bin/script
finds 0 '/script is a script, run by /usr/bin/env' "a script, found in PATH" \
	env PATH="$scratch/bin:/usr/bin:/bin" "$RAWCACHE" doctor script
grep -q 'ok   .*sh is dynamically linked' out
ok $? "is followed through env to its shell"
printf '#!%s/loop\n' "$scratch" >loop && chmod +x loop
doctor 1 'too deep' "a script that runs itself" ./loop
echo 'echo' >plain && chmod +x plain
doctor 0 '^warn .*a shell runs it' "a script without a first line" ./plain
printf '#!\n' >none && chmod +x none
doctor 1 'names no interpreter' "a script with an empty one" ./none
head -c 200 one >torn && chmod +x torn
doctor 1 'damaged' "half a program" ./torn
for bytes in 64 100 500 1000 2000 5000; do
	for at in 16 20 32 40 52 54 56 58 60; do
		head -c $bytes one >fuzz
		printf '\377\377\377' | dd of=fuzz bs=1 seek=$at conv=notrunc 2>/dev/null
		chmod +x fuzz
		timeout 20 "$RAWCACHE" doctor ./fuzz >out 2>&1
		[ $? -le 1 ] || { echo "# $bytes bytes, damaged at $at"; sed 's/^/# /' out; touch crashed; }
	done
done
[ ! -e crashed ]
ok $? "damaged programs do not upset it"
cp one other && printf '\363\0' | dd of=other bs=1 seek=18 conv=notrunc 2>/dev/null
doctor 1 'for another machine' "a program of another machine" ./other
if compile -static -o static; then
	doctor 1 'is static' "a static program" ./static
fi
if compile -static-pie -o static; then
	doctor 1 'is static' "a static program that can be moved" ./static
fi
# a loader of the same length, written over the name
loader=$(LC_ALL=C grep -ao '/lib[a-z0-9]*/ld-linux[-_.a-z0-9]*' one | head -1)
musl=ld-musl-$(uname -m).so.1
while [ $((${#musl} + 4)) -lt ${#loader} ]; do
	musl=/$musl
done
cp one musl && LC_ALL=C sed "s|$loader|/lib$musl|" one >musl
doctor 1 'linked with musl' "a program linked with musl" ./musl
if command -v musl-gcc >/dev/null && musl-gcc -o musl_one one.c 2>/dev/null; then
	doctor 1 'linked with musl' "a program that musl-gcc made" ./musl_one
	printf '#!%s/musl_one\n' "$scratch" >musl_script && chmod +x musl_script
	for program in ./musl_one ./musl_script; do
		is "$(cached "$program" 2>err)" ran "run starts $program"
		wanted="it runs without the cache; one that is built for glibc would use it"
		grep -q "^rawcache: warning: $program is linked with musl: $wanted$" err
		ok $? "without the cache, and says so"
		[ "$(wc -l <err)" = 1 ]
		ok $? "in one line"
	done
	is "$(cached "$RAWCACHE" run --path data --stats ./musl_one 2>/dev/null)" ran "also below another one"
else
	echo "ok $((tap_count += 1)) - a program that musl-gcc made # SKIP no musl-gcc (musl-tools)"
fi
cp one strange && LC_ALL=C sed "s|$loader|/nix${loader#/lib}|" one >strange
doctor 1 'needs the loader .* missing' "a program whose loader is missing" ./strange

# what the program calls
cat >deep.c <<'PROGRAM'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <mqueue.h>
int main(void)
{
	dlopen("libnone.so", RTLD_NOW | RTLD_DEEPBIND);
	return mq_open("/none", 0) < 0;
}
PROGRAM
${CC:-cc} -o deep deep.c
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

# rights
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

# surroundings
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
