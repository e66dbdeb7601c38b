#!/bin/sh
# SPDX-License-Identifier: MIT
# The command against bad input: every refusal is one sentence that helps, nothing is left
# behind, and what programs read (JSON, Prometheus) is well-formed.
# shellcheck disable=SC2016,SC2059,SC2181
. "$(dirname "$0")/../lib.sh"

unset LD_PRELOAD
work=$scratch
cd "$work" || exit 99
mkdir data home runtime
export HOME="$work/home" XDG_CACHE_HOME="$work/cache" RAWCACHE_RUNTIME_DIR="$work/runtime"
image=$XDG_CACHE_HOME/rawcache/cache.img

show()
{
	sed 's/^/#   /' out err
}

# One sentence on stderr that matches, nothing on stdout, the status.
refused() # name status pattern command...
{
	name=$1 want=$2 pattern=$3
	shift 3
	timeout 60 "$@" </dev/null >out 2>err
	status=$?
	if [ $status = "$want" ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] &&
		grep -q "^rawcache: " err && grep -q -e "$pattern" err; then
		ok 0 "$name"
	else
		ok 1 "$name"
		echo "#   status $status, wanted $want; wanted to see: $pattern"
		show
	fi
}

# The status, and stdout that matches.
works() # name status pattern command...
{
	name=$1 want=$2 pattern=$3
	shift 3
	timeout 60 "$@" </dev/null >out 2>err
	status=$?
	if [ $status = "$want" ] && grep -q -e "$pattern" out; then
		ok 0 "$name"
	else
		ok 1 "$name"
		echo "#   status $status, wanted $want; wanted to see: $pattern"
		show
	fi
}

json() # name command...
{
	name=$1
	shift
	if timeout 60 "$@" </dev/null >out 2>err && python3 -m json.tool out >/dev/null 2>>err; then
		ok 0 "$name"
	else
		ok 1 "$name"
		show
	fi
}

# Scripts and not functions, for timeout(1) runs them.
mkdir bin
cat >bin/run <<'SCRIPT'
#!/bin/sh
exec "$RAWCACHE" run --path "$WORK/data" --size 32M "$@"
SCRIPT
cat >bin/as_nobody <<'SCRIPT'
#!/bin/sh
exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent "$@"
SCRIPT
chmod +x bin/*
PATH=$work/bin:$PATH
export RAWCACHE PATH WORK="$work"

# --- the call itself

refused "no command" 2 "rawcache help" "$RAWCACHE"
refused "unknown command" 2 "did you mean .rawcache format" "$RAWCACHE" fromat
refused "unknown command far from all" 2 "lists them" "$RAWCACHE" frobnicate
refused "unknown option before the command" 2 "unknown option" "$RAWCACHE" --cache x stat
works "--version" 0 "^rawcache [0-9]" "$RAWCACHE" --version
works "--help" 0 "^  format" "$RAWCACHE" --help
commands=$("$RAWCACHE" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p')
for command in $commands; do
	works "$command --help" 0 "^Usage: rawcache $command" "$RAWCACHE" "$command" --help
	works "help $command" 0 "^Usage: rawcache $command" "$RAWCACHE" help "$command"
	refused "$command with a mistyped option" 2 "did you mean --help" "$RAWCACHE" "$command" --hepl
	refused "$command with an unknown letter" 2 "unknown option -Z" "$RAWCACHE" "$command" -Z
done
works "--version tells what was built" 0 "^features:" "$RAWCACHE" --version
facts='commit: [0-9a-f]{12}(-dirty)?|commit: unknown|libc: glibc [0-9.]+, built with [0-9.]+|kernel: Linux .+'
[ "$(grep -cE "^($facts)\$" out)" = 3 ]
ok $? "and where"
for command in $(echo "$commands" | grep -x -e stat -e top -e info -e verify); do
	refused "$command with an operand" 2 "takes no argument" "$RAWCACHE" "$command" x
	refused "$command --cache without a value" 2 "needs a value" "$RAWCACHE" "$command" --cache
done
for command in info stat verify 'drop --yes' ls du; do
	# shellcheck disable=SC2086
	refused "$command with an empty --cache" 2 "is empty" "$RAWCACHE" $command --cache ''
done
refused "an option with a value too many" 2 "takes no value" "$RAWCACHE" stat --json=1
refused "two forms at once" 2 "exclude each other" "$RAWCACHE" stat --json --prometheus
refused "--count without --watch" 2 "give --watch" "$RAWCACHE" stat --count 2
for seconds in 0 -1 x 1e3 ''; do
	refused "--watch '$seconds'" 2 "not a number of seconds" "$RAWCACHE" stat --watch "$seconds"
done

# --- nothing there yet

refused "stat without an image" 1 "there is no image" "$RAWCACHE" stat
refused "drop without an image" 1 "there is no image" "$RAWCACHE" drop --yes
refused "no home directory" 1 "no home directory" env -u HOME -u XDG_CACHE_HOME "$RAWCACHE" info
works "stat --list needs no image" 0 "^passthrough.outside " "$RAWCACHE" stat --list
json "stat --list --json" "$RAWCACHE" stat --list --json

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
LC_ALL=C sed '0,/rawcache\x00\x00\x00\x00/s//older!!!\x00\x00\x00\x00/' "$RAWCACHE_PRELOAD" >older/librawcache-preload.so
! cmp -s older/librawcache-preload.so "$RAWCACHE_PRELOAD"
ok $? "an object of another version is made"
older="another version than this command.*; install both of one version, or correct RAWCACHE_PRELOAD"
for command in "run -p data true" stat "explain -p data $work/data"; do
	# shellcheck disable=SC2086
	RAWCACHE_PRELOAD=$work/older/librawcache-preload.so "$RAWCACHE" $command >out 2>err
	is "$(grep -c "warning: the preload object.*$older" err)" 1 "${command%% *} says that the preload object is older"
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

# --- bad images

patch() # file offset octal
{
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

everywhere() # name pattern image
{
	for command in info stat verify 'drop --yes' 'run --path data'; do
		tail=
		[ "${command%% *}" != run ] || tail=true
		# shellcheck disable=SC2086
		refused "$1: ${command%% *}" 1 "$2" "$RAWCACHE" $command --cache "$3" $tail
	done
}

rm -rf cache && run true 2>/dev/null
dd if=/dev/urandom of=garbage bs=1M count=12 2>/dev/null
everywhere "what never was an image is not to be destroyed" "not an image of rawcache; name an image with --cache$" \
	garbage
echo "the only copy" >thesis
everywhere "not even if it is short" "too short for an image of rawcache; name an image with --cache$" thesis
: >empty
everywhere "an empty file" "too short.*; name an image with --cache$" empty
lost="name another image with --cache, or .*format --force., which destroys what is there$"
cp "$image" short && truncate -s 20M short
everywhere "a truncated image" "truncated; $lost" short
truncate -s 5000 short
everywhere "an image cut in its second superblock" "$lost" short
cp "$image" headless && dd if=/dev/urandom of=headless bs=4096 count=1 conv=notrunc 2>/dev/null
patch headless 4160 '\377'
everywhere "an image whose first superblock is gone, and the other one damaged" "damaged; $lost" headless
cp "$image" newer && patch newer 8 '\377' && patch newer 4104 '\377'
everywhere "an image of a newer version" "newer version.*; use that version, $lost" newer
refused "which is not overwritten without being forced" 1 "newer version.*--force" "$RAWCACHE" format newer
refused "nor with --yes" 1 "newer version.*--force" "$RAWCACHE" format --yes newer
works "but with --force" 0 "^uuid" "$RAWCACHE" format --force newer
cp "$image" damaged && patch damaged 64 '\377' && patch damaged 4160 '\377'
everywhere "both superblocks damaged" "damaged; $lost" damaged
cp "$image" half && patch half 64 '\377'
works "one superblock damaged" 0 "^uuid" "$RAWCACHE" info --cache half
everywhere "a directory" "neither a regular file" data
everywhere "a character device" "neither a regular file" /dev/null
mkfifo fifo
everywhere "a FIFO" "neither a regular file" fifo
cp "$image" open && chmod 666 open
for command in stat verify 'drop --yes' 'run --path data'; do
	tail=
	[ "${command%% *}" != run ] || tail=true
	# shellcheck disable=SC2086
	refused "an image others may write: ${command%% *}" 1 "chmod go-w.*RAWCACHE_SHARED" \
		"$RAWCACHE" $command --cache open $tail
done
chmod 620 open
refused "an image the group may write" 1 "chmod go-w" "$RAWCACHE" stat --cache open
works "RAWCACHE_SHARED accepts it" 0 "^hits" env RAWCACHE_SHARED=1 "$RAWCACHE" stat --cache open
(umask 007; exec "$RAWCACHE" format --shared --size 16M group) >/dev/null
[ "$(stat -c %A group)" = -rw-rw---T ]
ok $? "format --shared: the umask's mode, and the sticky bit"
works "which is accepted as it is" 0 "^hits" "$RAWCACHE" stat --cache group
[ "$(stat -c %a "$RAWCACHE_RUNTIME_DIR/$("$RAWCACHE" info --cache group | sed -n 's/^runtime segment *//p')")" = 660 ]
ok $? "as is its runtime segment"
chmod 620 group
refused "until the sticky bit is taken away" 1 "chmod go-w" "$RAWCACHE" stat --cache group
works "format without --shared takes it away" 0 "^uuid" \
	sh -c 'chmod 1600 group && "$0" format --yes --size 16M group && test ! -k group' "$RAWCACHE"

# --- what an image leaves behind when it is replaced

"$RAWCACHE" format --size 16M again >/dev/null
"$RAWCACHE" stat --cache again >/dev/null
segment=$RAWCACHE_RUNTIME_DIR/$("$RAWCACHE" info --cache again | sed -n 's/^runtime segment *//p')
[ -e "$segment" ]
ok $? "an image has a runtime segment"
"$RAWCACHE" format --yes again >/dev/null
[ ! -e "$segment" ]
ok $? "which goes when the image is made anew"

# --- other users

if [ "$(id -u)" = 0 ] && as_nobody true 2>/dev/null; then
	chmod 755 "$work" && cp "$image" others
	chmod 600 others
	refused "an image that may not be read" 1 "Permission denied" as_nobody "$RAWCACHE" info --cache others
	chmod 644 others
	works "an image that may only be read" 0 "^hits" as_nobody "$RAWCACHE" stat --cache others
	wanted="no permission to write the image others.*; do it as its owner"
	refused "drop by who may not write" 1 "$wanted" as_nobody "$RAWCACHE" drop --yes --cache others
	refused "drop of a path by who may not write" 1 "$wanted" \
		as_nobody "$RAWCACHE" drop --cache others "$work/data"
	refused "set by who may not write" 1 "$wanted" \
		as_nobody "$RAWCACHE" set --cache others mmap_threshold=auto
	refused "warm by who may not write" 1 "$wanted" \
		as_nobody "$RAWCACHE" warm --cache others "$work/data"
	works "run --stats by who may not write" 3 "^ran" \
		as_nobody "$RAWCACHE" run --stats -p "$work/data" --cache others sh -c 'echo ran; exit 3'
	[ "$(wc -l <err)" = 1 ] && grep -q "nothing is counted, for you may only read the image others; ask its owner" err
	ok $? "tells in one line that nothing can be counted"
	chown 1 others
	refused "an image of another user" 1 "another user.*RAWCACHE_SHARED" \
		as_nobody "$RAWCACHE" stat --cache others
	chmod 1666 others
	refused "though he marked it as shared" 1 "RAWCACHE_SHARED" as_nobody "$RAWCACHE" stat --cache others
	chmod 777 runtime
	(umask 0; exec "$RAWCACHE" format --shared --size 16M everybody) >/dev/null
	works "but not when root did" 0 "^hits" as_nobody "$RAWCACHE" stat --cache everybody
	works "for everybody together" 0 "^hits" "$RAWCACHE" stat --cache everybody
	refused "a cache directory that cannot be made" 1 "cannot make the directory" \
		as_nobody env -u XDG_CACHE_HOME "$RAWCACHE" run --path "$work/data" true
	chmod 700 "$work"
else
	skip "images of other users" "needs root and setpriv"
fi

# --- format

refused "format --size 1M" 2 "too few" "$RAWCACHE" format --size 1M new
refused "format --size x" 2 "not a size" "$RAWCACHE" format --size x new
refused "format --region 3M" 2 "power of two" "$RAWCACHE" format --size 64M --region 3M new
refused "format --region 8G" 2 "too large" "$RAWCACHE" format --size 64M --region 8G new
refused "format --region for too few regions" 2 "16 regions" "$RAWCACHE" format --size 64M --region 64M new
refused "format --chunk 1K" 2 "power of two" "$RAWCACHE" format --size 64M --chunk 1K new
refused "format --object 1" 2 "object size" "$RAWCACHE" format --size 64M --object 1 new
for option in --size --region --chunk --object; do
	refused "format $option 0" 2 "$option 0 is too small" "$RAWCACHE" format --size 64M $option 0 new
done
refused "format without a name" 2 "no image named" "$RAWCACHE" format
refused "format with two names" 2 "one image" "$RAWCACHE" format new newer
refused "format in a missing directory" 1 "nowhere" "$RAWCACHE" format nowhere/new
refused "format of a directory" 1 "directory" "$RAWCACHE" format --size 16M data
refused "format of a device that stores nothing" 1 "neither a regular file" "$RAWCACHE" format /dev/null
[ ! -e new ]
ok $? "no attempt left a file"
ln -s target dangling
refused "format through a dangling link" 1 "opened\|link" "$RAWCACHE" format --size 16M dangling
[ ! -e target ]
ok $? "makes nothing behind it"
refused "format of garbage" 1 "use --force" "$RAWCACHE" format garbage
refused "format of what begins with zeros only" 1 "use --force" \
	sh -c 'truncate -s 12M late && printf x | dd of=late bs=1 seek=12582911 conv=notrunc 2>/dev/null
		exec "$0" format late' "$RAWCACHE"
works "format of a file of zeros needs no --force" 0 "^size *12M" \
	sh -c 'truncate -s 12M blank && exec "$0" format blank' "$RAWCACHE"
works "format --force of garbage" 0 "^page detaching" "$RAWCACHE" format --force garbage
works "which is an image now" 0 "^size *12M" "$RAWCACHE" info --cache garbage
refused "format of an image" 1 "say --yes" "$RAWCACHE" format garbage
works "format --yes of an image" 0 "^sendfile" "$RAWCACHE" format --yes --size 16M garbage
works "takes the new size" 0 "^size *16M" "$RAWCACHE" info --cache garbage

# --- full disks

if mkdir small && mount -t tmpfs -o size=24m,mode=700 rawcache-test small 2>/dev/null; then
	mounts="$mounts $work/small"
	refused "format on a full disk" 1 "no room" "$RAWCACHE" format --size 32M small/img
	refused "run on a full disk" 1 "no room" "$RAWCACHE" run -p data --size 32M --cache small/img true
	[ -z "$(ls -A small)" ]
	ok $? "leaves nothing there"
	mount -o remount,ro small
	refused "format on a file system mounted read-only" 1 "mounted read-only; name an image elsewhere" \
		"$RAWCACHE" format small/img
	refused "run on a file system mounted read-only" 1 "ead-only file system" \
		"$RAWCACHE" run -p data --cache small/img true
	mount -o remount,rw small
	dd if=/dev/zero of=small/fill bs=1M count=10 2>/dev/null
	refused "too little space for the default size" 1 "too little for an image" \
		"$RAWCACHE" run -p data --cache small/img true
	dd if=/dev/zero of=small/fill bs=1M 2>/dev/null
	refused "a full runtime directory" 1 "RAWCACHE_RUNTIME_DIR" \
		env RAWCACHE_RUNTIME_DIR="$work/small" "$RAWCACHE" stat --cache garbage
	refused "a program with a full runtime directory" 1 "RAWCACHE_RUNTIME_DIR" \
		env RAWCACHE_RUNTIME_DIR="$work/small" "$RAWCACHE" run -p data --cache garbage true
else
	skip "full disks" "cannot mount a tmpfs"
fi
if [ -w /dev/full ]; then
	for command in 'stat' 'stat --json' 'info' 'help' 'stat --list'; do
		# shellcheck disable=SC2086
		"$RAWCACHE" $command >/dev/full 2>err
		[ $? = 1 ] && grep -q "cannot write the output" err
		ok $? "output to a full disk: $command"
	done
fi
cp "$image" before
"$RAWCACHE" stat --json >&- 2>/dev/null
[ $? = 1 ]
ok $? "output to a closed descriptor"
"$RAWCACHE" format --size 1M "$work/before" >&- 2>&-
cmp -s before "$image"
ok $? "nothing is written into an image by mistake"

# --- what programs read

json "stat --json" "$RAWCACHE" stat --json
json "info --json" "$RAWCACHE" info --json
"$RAWCACHE" stat --json >stat.json
"$RAWCACHE" stat --list --json >list.json
python3 "$TOP_SRCDIR/tests/cli/cli_counters.py" 2>err
ok $? "JSON has every counter, reason and latency of the list"
"$RAWCACHE" stat --watch 0.05 --count 3 --json >out 2>err
[ "$(wc -l <out)" = 3 ] && python3 -c 'import json; [json.loads(l) for l in open("out")]' 2>>err
ok $? "stat --watch --json prints a document per line"
works "stat --watch" 0 "^TIME" "$RAWCACHE" stat --watch 0.05 --count 2
[ "$(wc -l <out)" = 3 ]
ok $? "one line per interval"
"$RAWCACHE" stat --prometheus >out
awk '/^# TYPE/ { type[$3] = $4; next }
	/^#/ { next }
	{ name = $1; sub(/{.*/, "", name)
	  base = name; sub(/_(bucket|count)$/, "", base)
	  if (!(name in type) && type[base] != "histogram") { print "#   no TYPE: " $0; bad = 1 }
	  if ($NF !~ /^[0-9]+(\.[0-9]+)?$/) { print "#   no number: " $0; bad = 1 } }
	END { exit bad }' out
ok $? "Prometheus text has a type for every sample"
bad=0
for name in $("$RAWCACHE" stat --list | awk 'NR > 1 && !/^passthrough/ && !/_latency/ { print $1 }'); do
	case $name in *_us) name=${name%_us}_seconds ;; esac
	grep -q "^rawcache_${name}_total [0-9]" out || bad=1
done
ok $bad "and every counter"

# --- an image in use

echo hello >data/file
run tail -f data/file >out 2>err &
child=$!
for _ in $(seq 100); do
	"$RAWCACHE" stat -p | grep -q tail && break
	sleep 0.05
done
works "stat --per-process names who uses the image" 0 "^ *$child tail " "$RAWCACHE" stat --per-process
json "stat --json with a process" "$RAWCACHE" stat --json
python3 -c 'import json; p = json.load(open("out"))["processes"]
assert [(q["pid"], q["command"]) for q in p] == [('$child', "tail")], p
assert "hits" in p[0] and "outside" in p[0]["passthrough"]' 2>err
ok $? "JSON has it too"
refused "format of an image in use" 1 "programs are using it" "$RAWCACHE" format --yes "$image"
refused "format --force of an image in use" 1 "programs are using it" "$RAWCACHE" format --force "$image"
works "verify of an image in use" 0 "extents" "$RAWCACHE" verify
works "drop of an image in use" 0 "^forgot" "$RAWCACHE" drop --yes
kill -9 $child
wait $child 2>/dev/null
works "a process that was killed is gone from the list" 0 "no process" "$RAWCACHE" stat --per-process

# --- what is stored

head -c 3000000 /dev/urandom >data/big
sleep 0.1 # clock ticks: a file made just now is not stored, whatever RAWCACHE_SETTLE says
works "run --stats, cold" 0 "" env RAWCACHE_SETTLE=0 run --stats dd if=data/big bs=256k status=none
grep -q " misses.* 2.8M from the origin" err
ok $? "reads the origin"
works "run --stats, warm" 0 "" env RAWCACHE_SETTLE=0 run --stats dd if=data/big bs=256k status=none
grep -q "hit ratio 100.0%; 2.8M from the cache, 0 from the origin" err
ok $? "does not"
cmp -s out data/big
ok $? "and gives the same bytes"
ratio=$("$RAWCACHE" stat --json | python3 -c '
import json, sys
t = json.load(sys.stdin)["totals"]
cache = t["hit_bytes"] + t["mapped_bytes"]
print("%.1f" % (100 * cache / (cache + t["miss_bytes"] + t["mapped_origin_bytes"])))')
works "the table has a ratio of bytes" 0 "^byte hit ratio  *$ratio% of bytes" "$RAWCACHE" stat
! grep -qE "^(tier|names|frozen)_" out
ok $? "and no rows of parts that are not used"
works "warm of one file" 0 "^1 file, 2.8M: 2.8M are cached, 0 were read now" \
	env RAWCACHE_SETTLE=0 "$RAWCACHE" warm data/big
works "warm --dry-run of one file" 0 "^1 file, 2.8M, of which" "$RAWCACHE" warm --dry-run data/big
works "info counts what is used" 0 "^used entries *13\$" "$RAWCACHE" info
works "verify of good data" 0 "^13 extents, 2.8M: 0 with" "$RAWCACHE" verify
dd if=/dev/zero of="$image" bs=1M seek=2 count=30 conv=notrunc 2>/dev/null
works "verify of overwritten data" 1 "^13 extents, 2.8M: 13 with" "$RAWCACHE" verify
grep -q "13 bad entries were dropped" err
ok $? "tells so"
works "verify after that" 0 "^0 extents" "$RAWCACHE" verify
works "the program still reads right" 0 "" env RAWCACHE_SETTLE=0 run dd if=data/big bs=256k status=none
cmp -s out data/big
ok $? "byte for byte"

# --- names of all kinds

printf x >data/naïve-日本.txt
printf x >"data/two
lines"
sleep 0.1
for file in data/na* data/two*; do
	LC_ALL=C RAWCACHE_SETTLE=0 "$RAWCACHE" warm "$file" >out 2>err || show
done
export LC_ALL=C.UTF-8
works "ls shows the characters of the locale" 0 "100%  *$work/data/naïve-日本.txt$" "$RAWCACHE" ls data
works "and a line for each file" 0 "$work/data/two?lines$" "$RAWCACHE" ls data
works "explain shows them" 0 "^file  *$work/data/naïve-日本.txt$" \
	env RAWCACHE_SETTLE=0 "$RAWCACHE" explain -p data data/naïve-日本.txt
works "a newline in the same way" 0 "^file  *$work/data/two?lines$" \
	env RAWCACHE_SETTLE=0 "$RAWCACHE" explain -p data "data/two
lines"
refused "and in a complaint" 1 "cannot open no?such-ï: " "$RAWCACHE" explain -p data "no
such-ï"
json "du --json" "$RAWCACHE" du --json
printf x >"im
age-ï"
refused "and in the name of an image" 1 "cannot use the image im?age-ï: " "$RAWCACHE" info --cache "im
age-ï"
export LC_ALL=C
works "another locale has no such characters" 0 "$work/data/na??ve-??????.txt$" "$RAWCACHE" ls data
unset LC_ALL
works "JSON has them all" 0 'naïve-日本.txt' env LC_ALL=C "$RAWCACHE" ls --json data
rm data/na* data/two*

# --- lists in an order, and sums

mkdir -p data/a/deep/er data/b
head -c 300000 /dev/urandom >data/a/one
head -c 200000 /dev/urandom >data/a/deep/er/two
head -c 100000 /dev/urandom >data/b/three
sleep 0.1
works "warm of a tree" 0 "^3 files" env RAWCACHE_SETTLE=0 "$RAWCACHE" warm data/a data/b
order() # order names...
{
	name="ls --sort $1"
	# shellcheck disable=SC2086
	"$RAWCACHE" ls --sort $1 data/a data/b 2>err | sed -n 's,.*/,,p' | tr '\n' ' ' >out
	[ "$(cat out)" = "$2 " ]
	ok $? "$name"
}
touch -d '2020-01-01' data/b/three && "$RAWCACHE" drop data/b >/dev/null
sleep 0.1
RAWCACHE_SETTLE=0 "$RAWCACHE" warm data/b >/dev/null 2>&1
order name "two one three"
order "name --reverse" "three one two"
order size "one two three"
order "cached --reverse" "three two one"
order "time --reverse" "three one two"
RAWCACHE_SETTLE=0 "$RAWCACHE" run -p data -- head -c 10 data/a/one >/dev/null
refused "an order that there is not" 2 "no order; take name" "$RAWCACHE" ls --sort colour
works "du adds up what ls lists" 0 "^ *585.9K  *585.9K  *100%  *3  *$work/data\$" "$RAWCACHE" du data/a data/b
grep -q "^ *488.2K .* 2  *$work/data/a\$" out && ! grep -q deep out
ok $? "for each directory below"
works "du --depth 3" 0 " 1  *$work/data/a/deep/er\$" "$RAWCACHE" du --depth 3 data/a data/b
[ -z "$("$RAWCACHE" du nowhere 2>&1)" ]
ok $? "du of nothing"
json "du --json" "$RAWCACHE" du --json --depth 2
python3 -c 'import json; d = json.load(open("out"))["directories"]
assert sum(e["files"] for e in d if e["path"].endswith("/b")) == 1, d' 2>err
ok $? "has its numbers"
json "warm --json" env RAWCACHE_SETTLE=0 "$RAWCACHE" warm --json data/a data/b
member() # members of the document in out, by their names
{
	python3 -c 'import json, sys; d = json.load(open("out")); print(*[d[name] for name in sys.argv[1:]])' "$@" 2>err
}
is "$(member version files size cached failed)" "1 3 600000 600000 0" "has its numbers"
json "warm --dry-run --json" "$RAWCACHE" warm --dry-run --json data/a data/b
is "$(member files size read)" "3 600000 0" "has them, too"
json "verify --json" "$RAWCACHE" verify --json
is "$(member bad broken)" "0 0" "has its numbers"
at_least "$(member bytes)" 600000 "and bytes"
json "drop --json" "$RAWCACHE" drop --json data/a data/b
python3 -c 'import json; d = json.load(open("out"))["paths"]
assert [(p["path"], p["files"], p["bytes"]) for p in d] == [("data/a", 2, 500000), ("data/b", 1, 100000)], d' 2>err
ok $? "tells of each path"
refused "du --depth 0" 2 "not a number above 0" "$RAWCACHE" du --depth 0
rm -r data/a data/b

# --- asking

refused "drop without a terminal" 1 "say --yes" "$RAWCACHE" drop
works "drop of a path" 0 "^forgot" "$RAWCACHE" drop data
works "drop --yes" 0 "^forgot" "$RAWCACHE" drop --yes
json "drop --yes --json" "$RAWCACHE" drop --yes --json
is "$(member extents bytes)" "0 0" "has its numbers"
if "$RAWCACHE" --version | grep -q '^features:.* tier'; then
	head -c 32 /dev/urandom >key
	chmod 600 key
	export RAWCACHE_TIER_KEY=$work/key
	"$RAWCACHE" tier check --json --tier 127.0.0.1:1 >out 2>err
	[ $? = 1 ] && python3 -c 'import json; (s,) = json.load(open("out"))["servers"]
assert s["name"] == "127.0.0.1:1" and not s["good"] and s["text"], s' 2>>err
	ok $? "tier check --json tells what is wrong with a server"
	json "tier status --json" "$RAWCACHE" tier status --json --tier 127.0.0.1:1
	python3 -c 'import json; (s,) = json.load(open("out"))["servers"]; assert s["asked"], s' 2>err
	ok $? "tells which servers are asked"
	unset RAWCACHE_TIER_KEY
fi
works "drop --all" 0 "^forgot" "$RAWCACHE" drop --all
has_top=$(echo "$commands" | grep -x top)
[ -z "$has_top" ] || refused "top without a terminal" 1 "needs a terminal" "$RAWCACHE" top
works "verify of nothing" 0 "^0 extents" "$RAWCACHE" verify
if script --version >/dev/null 2>&1; then
	printf 'n\n' | timeout 20 script -qec "$RAWCACHE drop" /dev/null >out 2>err
	[ $? = 1 ] && grep -q "y/N" out && grep -q "nothing was forgotten" out
	ok $? "drop asks on a terminal and takes no for an answer"
	printf 'y\n' | timeout 20 script -qec "$RAWCACHE drop" /dev/null >out 2>err
	[ $? = 0 ] && grep -q "forgot [0-9]* extents" out
	ok $? "and yes"
fi
if [ -n "$has_top" ] && script --version >/dev/null 2>&1; then
	(sleep 1; printf 'sr'; sleep 0.5; printf q) |
		TERM=xterm timeout 20 script -qec "$RAWCACHE top -i 0.2" /dev/null >out 2>err
	[ $? = 0 ] && grep -q "HITS" out
	ok $? "top draws, takes keys and leaves"
	TERM=nonsense timeout 20 script -qec "$RAWCACHE top" /dev/null </dev/null >out 2>err
	[ $? = 1 ] && grep -q "terminal type nonsense" out
	ok $? "top on an unknown terminal"
fi
script --version >/dev/null 2>&1 || skip "questions on a terminal" "needs script(1)"

RAWCACHE=$RAWCACHE "$TOP_SRCDIR/scripts/check-man" 2>err
ok $? "manual pages and completion are up to date"
sed 's/^/# /' err

done_testing
