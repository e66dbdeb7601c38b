#!/bin/bash
# SPDX-License-Identifier: MIT
# What is stored, in an order, added up, and forgotten.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image
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
