#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache run: what the program sees, its environment and its descriptors.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image
works "the program's status" 3 "^$" run sh -c 'echo; exit 3'
works "options of the program are its own" 0 "^--stats -x$" run echo --stats -x
works "the environment" 0 "^RAWCACHE_PATHS=$work/data:!$work/home\$" run -x home env
works "relative names become absolute" 0 "^RAWCACHE_DEVICE=$work/other.img\$" run --cache other.img env
works "the directory of a symbolic link" 0 "^RAWCACHE_PATHS=$work/data\$" \
	sh -c 'ln -s data link && "$0" run --path link --cache other.img env' "$RAWCACHE"
works "directories merge with RAWCACHE_PATHS" 0 "^RAWCACHE_PATHS=$work/home:$work/data\$" \
	env RAWCACHE_PATHS="$work/home/" "$RAWCACHE" run --path data --path "$work/home" env
empty=$("$RAWCACHE" help --table variables | sed -n 's/^\.B \(RAWCACHE_[A-Z_]*\).*/\1=/p')
# shellcheck disable=SC2086
works "empty variables count as unset" 0 "^ran$" env $empty "$RAWCACHE" run -p data echo ran
[ "$(echo "$empty" | wc -l)" -gt 15 ] && [ ! -s err ]
ok $? "all of them, without a word"
works "an unknown variable is a warning" 0 "ran" env RAWCACHE_PAHTS=x "$RAWCACHE" run -p data echo ran
grep -q "RAWCACHE_PAHTS.*did you mean RAWCACHE_PATHS" err
ok $? "which names the nearest one"
works "RAWCACHE_DISABLE runs the program plainly" 0 "^none$" \
	env RAWCACHE_DISABLE=1 "$RAWCACHE" run -p data sh -c 'echo ${LD_PRELOAD:-none}'
works "an LD_PRELOAD that is set is kept" 0 "librawcache-preload[^:]*:[^:]*libm.so.6" \
	run env LD_PRELOAD=libm.so.6 "$RAWCACHE" run -p data --cache other.img \
	sh -c 'echo "$LD_PRELOAD"'
works "once, however deep" 0 "^1$" run "$RAWCACHE" run -p home \
	sh -c 'echo "$LD_PRELOAD" | tr : "\n" | grep -c preload'
works "no descriptor is left to the program" 0 "^$(ls /proc/self/fd | wc -l)\$" \
	run sh -c 'ls /proc/self/fd | wc -l'
run sh -c '[ -e /proc/self/fd/1 ] || echo closed >&2' >&- 2>err
grep -q closed err
ok $? "a closed standard output stays closed"
done_testing
