#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache doctor tells what kind of file a program is; whatever it is, it does not upset it.
# shellcheck source=tests/cli/doctor.inc
. "$(dirname "$0")/doctor.inc"
image 16M

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
done_testing
