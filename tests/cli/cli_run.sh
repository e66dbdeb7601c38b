#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache run: what is refused before the program starts, and what the program sees.
# shellcheck disable=SC2016,SC2059,SC2181
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

# --- run: what is wrong before the program starts

refused "run without a program" 2 "no program" "$RAWCACHE" run --path data
refused "run without a directory" 2 "no directory to cache" "$RAWCACHE" run -- true
refused "run with excluded directories only" 2 "no directory to cache" \
	"$RAWCACHE" run --exclude data -- true
refused "a directory that does not exist" 2 "--path nowhere: there is no such directory" "$RAWCACHE" run -p nowhere true
refused "an excluded directory that does not exist" 2 "--exclude nowhere: there is no such directory" \
	"$RAWCACHE" run -p data -x nowhere true
touch file
refused "a file for a directory" 2 "not a directory" "$RAWCACHE" run -p file true
refused "an empty name for a directory" 2 "empty" "$RAWCACHE" run -p '' true
mkdir with:colon
refused "a directory with a colon" 2 "colon" "$RAWCACHE" run -p with:colon true
refused "RAWCACHE_PATHS with a relative entry" 2 "absolute" env RAWCACHE_PATHS=data "$RAWCACHE" run true
refused "RAWCACHE_PATHS with an empty entry" 2 "empty" env RAWCACHE_PATHS=/usr::/etc "$RAWCACHE" run true
refused "RAWCACHE_PATHS with a missing directory" 2 "RAWCACHE_PATHS $work/nowhere: there is no such directory" \
	env RAWCACHE_PATHS="$work/nowhere" "$RAWCACHE" run true
for size in 5Q -1 1.5G 99999999999999999999 99999999T K; do
	refused "--size '$size'" 2 "not a size" "$RAWCACHE" run -p data --size "$size" true
	refused "RAWCACHE_SIZE='$size'" 2 "not a size" env RAWCACHE_SIZE="$size" "$RAWCACHE" run -p data true
done
refused "--size below the smallest" 2 "too few" "$RAWCACHE" run -p data --size 1M true
refused "--ttl soon" 2 "^rawcache: run: --ttl soon" "$RAWCACHE" run -p data --ttl soon true
refused "--threshold much" 2 "^rawcache: run: --threshold much" "$RAWCACHE" run -p data --threshold much true
for setting in MMAP_THRESHOLD=x SENDFILE=2 TTL=-1 READAHEAD=x IO=fast DIRECT=maybe SETTLE=x \
	REVALIDATE=x VERIFY=x SHARED=x LOG_LEVEL=loud DISABLE=perhaps; do
	refused "RAWCACHE_$setting" 2 "RAWCACHE_$setting .*; correct it" \
		env "RAWCACHE_$setting" "$RAWCACHE" run -p data true
done
for option in --cache --size --threshold --ttl --log; do
	refused "run with an empty $option" 2 "run: $option is empty" "$RAWCACHE" run -p data $option '' true
done
refused "a cache in a missing directory" 1 "nowhere" "$RAWCACHE" run -p data --cache nowhere/img true
refused "a log in a missing directory" 1 "nowhere" "$RAWCACHE" run -p data --size 16M --log nowhere/log true
refused "a preload object that is missing" 1 "RAWCACHE_PRELOAD" \
	env RAWCACHE_PRELOAD="$work/none.so" "$RAWCACHE" run -p data true
rm -rf cache
refused "a runtime directory that is missing" 1 "RAWCACHE_RUNTIME_DIR" \
	env RAWCACHE_RUNTIME_DIR="$work/nowhere" "$RAWCACHE" run -p data --size 16M true
rm -rf cache

# --- run: the program

works "the image is made at first use" 0 "ran" run echo ran
if [ ! -f "$image" ]; then
	echo "Bail out! there is no image to test with"
	exit 99
fi
[ "$(stat -c %a "$image")" = 600 ] && [ "$(stat -c %a "$(dirname "$image")")" = 700 ]
ok $? "the image and its directory are the user's alone"
[ "$(ls -A "$(dirname "$image")")" = cache.img ]
ok $? "nothing else lies there"
works "the second time it is used as it is" 0 "ran" run echo ran
# a directory in PATH that may not be searched makes it 126, as for env(1)
refused "a program that does not exist" 127 "there is no such program" \
	env PATH=/usr/bin:/bin "$work/bin/run" nosuchprogram
refused "a program that may not be executed" 126 "Permission denied" run ./file
printf '#!/nowhere/sh\n' >script && chmod +x script
refused "a program without its interpreter" 127 "interpreter" run ./script
# what an older build's object lacks, or has otherwise: the note with the layout of the segment
mkdir older
LC_ALL=C sed '0,/rawcache\x00\x00\x00\x00/s//older!!!\x00\x00\x00\x00/' "$RAWCACHE_PRELOAD" \
	>older/librawcache-preload.so
! cmp -s older/librawcache-preload.so "$RAWCACHE_PRELOAD"
ok $? "an object of another version is made"
older="another version than this command.*; install both of one version, or correct RAWCACHE_PRELOAD"
for command in "run -p data true" stat "explain -p data $work/data"; do
	# shellcheck disable=SC2086
	RAWCACHE_PRELOAD=$work/older/librawcache-preload.so "$RAWCACHE" $command >out 2>err
	is "$(grep -c "warning: the preload object.*$older" err)" 1 \
		"${command%% *} says that the preload object is older"
	# shellcheck disable=SC2086
	"$RAWCACHE" $command >out 2>err
	is "$(grep -c "the preload object" err)" 0 "and nothing of one that is not"
done
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

works "--stats leaves the status alone" 5 "^$" run --stats sh -c 'echo; exit 5'
grep -q "hits, .*misses, hit ratio" err
ok $? "--stats tells what happened"
works "--stats and a signal" 137 "^$" run --stats sh -c 'echo; kill -9 $$'
refused "--stats and a missing program" 127 "no such program" \
	env PATH=/usr/bin:/bin "$work/bin/run" --stats nosuchprogram
run --stats sh -c 'trap "exit 9" TERM; echo up >up; while :; do sleep 0.05; done' >out 2>err &
child=$!
for _ in $(seq 100); do
	[ -s up ] || sleep 0.05
done
kill -TERM $child
wait $child
ok "$(($? != 9))" "--stats passes SIGTERM on"

# --- starting at once

rm -rf cache
pids=
for i in 1 2 3 4 5 6 7 8; do
	run sh -c 'echo $RAWCACHE_DEVICE' >"out$i" 2>"err$i" &
	pids="$pids $!"
done
bad=0
for pid in $pids; do
	wait "$pid" || bad=1
done
[ "$(cat out[1-8] | sort | uniq -c | tr -s ' ')" = " 8 $image" ] || bad=1
ok $bad "eight runs at once make one image"
[ "$(cat err[1-8] | wc -l)" = 1 ]
ok $? "and one of them says so"
[ "$(ls -A "$(dirname "$image")")" = cache.img ]
ok $? "and nothing is left over"
rm -f out[1-8] err[1-8]
bad=0
for delay in 0.001 0.002 0.004 0.006 0.01 0.02; do
	rm -rf cache
	run --size 128M true >/dev/null 2>&1 &
	child=$!
	sleep $delay
	kill -9 $child 2>/dev/null
	wait $child 2>/dev/null
	run true >out 2>err || { bad=1 && show; }
done
ok $bad "a run that was killed while it made the image does not disturb the next"
[ "$(ls -A "$(dirname "$image")")" = cache.img ]
ok $? "which clears up"
done_testing
