#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache doctor knows the loaders that preload nothing of ours, and `run` does without the cache below them.
# shellcheck source=tests/cli/doctor.inc
. "$(dirname "$0")/doctor.inc"
image 16M

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
done_testing
