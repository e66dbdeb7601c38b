#!/bin/bash
# SPDX-License-Identifier: MIT
# What is stored, by the names of files and in their order, added up, verified and forgotten.
# shellcheck disable=SC2016,SC2059,SC2181
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image

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
# order ORDER NAMES
order() {
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
done_testing
