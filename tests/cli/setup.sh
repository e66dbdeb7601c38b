#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache setup and the profiles that it writes.
. "$(dirname "$0")/../lib.sh"
need script
cd "$scratch" || exit 99
mkdir data disk runtime
export HOME=$scratch/home XDG_CONFIG_HOME=$scratch/config RAWCACHE_RUNTIME_DIR=$scratch/runtime
unset XDG_CACHE_HOME LD_PRELOAD
mkdir home
profile=$XDG_CONFIG_HOME/rawcache/default.conf

# says PATTERN NAME COMMAND...: the command fails, with one line that matches
says() {
	pattern=$1 name=$2
	shift 2
	"$@" >out 2>err </dev/null
	[ $? -ne 0 ] && [ "$(wc -l <err)" = 1 ] && grep -q -e "$pattern" err
	result=$?
	[ $result = 0 ] || sed 's/^/# /' out err
	ok $result "$name"
}
# answer TEXT [OPTION]...: setup on a terminal, with these answers
answer() {
	printf "$1" >answers
	shift
	timeout 20 script -qec "$RAWCACHE setup $*" /dev/null <answers >out 2>&1
}

says "answer with --path, --cache and --size" "without a terminal it does not ask" "$RAWCACHE" setup
says "no name of a profile" "a path is no name" "$RAWCACHE" setup --path data --cache disk/i.img --size 16M ../x
says "makes one profile" "two names" "$RAWCACHE" setup --path data --cache disk/i.img --size 16M one two
says "too small" "a small size" "$RAWCACHE" setup --path data --cache disk/i.img --size 1M
says "nowhere" "a directory that is not there" "$RAWCACHE" setup --path nowhere --cache disk/i.img --size 16M
check "options answer all questions" "$RAWCACHE" setup --path data --cache disk/i.img --size 16M
is "$("$RAWCACHE" setup --path data --cache disk/i.img --size 16M 2>/dev/null)" \
	"rawcache run --path $scratch/data --cache $scratch/disk/i.img --size 16M -- PROGRAM" "and give the line"
check "nothing is written without a yes" test ! -e "$profile" -a ! -e disk/i.img

answer "$scratch/data\ndisk/i.img\n16M\nn\n"
is $? 0 "it asks three questions on a terminal"
is "$(grep -o 'Which slow\|Where shall\|How large' out | wc -l)" 3 "which are these"
grep -q "rawcache run --path $scratch/data --cache $scratch/disk/i.img --size 16M -- PROGRAM" out
ok $? "and gives the same line"
check "no means no" test ! -e "$profile"
answer "nowhere\n$scratch/data\n/nowhere/i.img\ndisk/i.img\nmuch\n16M\ny\n"
is "$(grep -c 'rawcache: .*\(nowhere\|not a size\)' out)" 3 "wrong answers are asked for again"
is "$(grep -v '^#' "$profile" | tr '\n' ' ')" \
	"RAWCACHE_PATHS=$scratch/data RAWCACHE_DEVICE=$scratch/disk/i.img RAWCACHE_SIZE=16M " "yes writes the profile"
is "$(stat -c %a "$profile" "$XDG_CONFIG_HOME/rawcache" | tr '\n' ' ')" "$(umask | sed 's/.*022/644/') 700 " \
	"in a directory of the user's own"
answer "$scratch/data\n1\n\ny\n" home
grep -v '^#' "$XDG_CONFIG_HOME/rawcache/home.conf" >out
is "$(cut -d= -f1 out | tr '\n' ' ')" "RAWCACHE_PATHS RAWCACHE_SIZE " "the default image needs no name"
size=$(sed -n 's/^RAWCACHE_SIZE=//p' out | numfmt --from=iec)
at_most "$size" $((10 << 30)) "what is proposed is 10 GiB at most"
at_most "$size" "$(($(stat -f -c '%a * %S' "$scratch") / 9))" "and about a tenth of the free space"
answer "$scratch/data\n" --cache disk/i.img
is $? 1 "an end of the answers is no answer"

check "run takes the profile" "$RAWCACHE" run --profile default -- true
is "$("$RAWCACHE" info --cache disk/i.img --json | sed -n 's/.*"size": *\([0-9]*\).*/\1/p')" 16777216 \
	"which names the image and its size"
is "$("$RAWCACHE" run --profile default -- printenv RAWCACHE_PATHS)" "$scratch/data" "and the directories"
is "$(RAWCACHE_TTL=7 "$RAWCACHE" run --profile default -- printenv RAWCACHE_TTL)" 7 "the environment is kept"
echo RAWCACHE_TTL=8 >>"$profile"
is "$("$RAWCACHE" run --profile default -- printenv RAWCACHE_TTL)" 8 "any variable can stand in it"
is "$(RAWCACHE_TTL=7 "$RAWCACHE" run --profile default -- printenv RAWCACHE_TTL)" 7 "the environment comes first"
is "$("$RAWCACHE" run --profile default --ttl 9 -- printenv RAWCACHE_TTL)" 9 "and so do options"
bad=
for command in stat info ls du verify 'explain data' 'warm data' 'doctor true' 'drop --yes'; do
	# shellcheck disable=SC2086
	"$RAWCACHE" ${command%% *} --profile default ${command#"${command%% *}"} >out 2>err
	{ [ $? -lt 2 ] && [ ! -s err ]; } || { bad="$bad $command"; sed 's/^/# /' err; }
done
is "$bad" "" "other commands take it, too"
"$RAWCACHE" help --table options | awk '{ print $1 }' | sort -u | grep -vxE 'help|setup' >all
"$RAWCACHE" help --table options | awk '$2 == "--profile" { print $1 }' | sort -u >some
check "all but setup, which writes it" diff all some
says "no image named" "format without an image" "$RAWCACHE" format
is "$("$RAWCACHE" format --profile default --yes --json | grep -o '"path":[^,]*\|"size":[^,]*' | tr -d ' \n')" \
	"\"path\":\"$(realpath disk/i.img)\"\"size\":16777216" "format makes the image that the profile names"
is "$("$RAWCACHE" info --profile default | sed -n 's/^image file *//p')" "$(realpath disk/i.img)" \
	"and look at its image"
is "$("$RAWCACHE" info --profile default --cache none.img 2>&1 | grep -o 'no image at none.img')" \
	"no image at none.img" "unless one is named"
echo text >data/f
is "$("$RAWCACHE" explain --profile default data/f | sed -n 's/^directory *//p')" "$scratch/data" "with its directories"
check "an image that is there is not asked for its size" \
	sh -c '"$0" setup --path data --cache disk/i.img --size 99M | grep -q "i.img -- PROGRAM"' "$RAWCACHE"
says "rawcache setup absent" "a profile that is not there" "$RAWCACHE" run --profile absent -- true
says "rawcache setup absent" "nor for another command" "$RAWCACHE" stat --profile absent
says "^rawcache: ls: a/b is no name of a profile" "what is no name" "$RAWCACHE" ls --profile a/b
echo RAWCACHE_PAHTS=/x >"$XDG_CONFIG_HOME/rawcache/typo.conf"
says "typo.conf, line 1: .*did you mean RAWCACHE_PATHS" "a wrong name in it" "$RAWCACHE" run --profile typo -- true
printf 'RAWCACHE_PATHS=%s\nRAWCACHE_SIZE=much\n' "$scratch/data" >"$XDG_CONFIG_HOME/rawcache/typo.conf"
says "typo.conf: RAWCACHE_SIZE=much .*correct it there" "a wrong value in it" "$RAWCACHE" run --profile typo -- true
echo hello >"$XDG_CONFIG_HOME/rawcache/typo.conf"
says "typo.conf, line 1: write it as" "something else in it" "$RAWCACHE" run --profile typo -- true

# --- the size of an image that nobody chose

mkdir first
"$RAWCACHE" run --path data --cache first/i.img -- true >out 2>err
grep -q "^rawcache: made the image .*; --size and --cache choose another size and place" err
ok $? "the line that tells of a new image says how to choose"
at_most "$(stat -c %s first/i.img)" $((10 << 30)) "which has 10 GiB at most"
at_most "$(stat -c %s first/i.img)" "$((($(stat -f -c '%a * %S' first) + $(stat -c '%b * 512' first/i.img)) / 9))" \
	"and about a tenth of what was free (others use the disk, too)"
done_testing
