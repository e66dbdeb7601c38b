#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache explain: the reason for every kind of file, and what is cached of it.
. "$(dirname "$0")/../lib.sh"
need python3
cd "$scratch" || exit 99
IMAGE=$scratch/cache.img
export RAWCACHE_RUNTIME_DIR=$scratch/runtime RAWCACHE_DEVICE=$IMAGE
mkdir data data/out other runtime
head -c 700000 /dev/urandom >data/large
echo hello >data/small
echo hello >data/out/excluded
echo hello >other/outside
: >data/empty
mkfifo data/fifo
ln -s ../data/small other/link
ln -s ../other/outside data/escape
CACHED_PATH=$scratch/data

explain() {
	timeout 20 "$RAWCACHE" explain --path data --exclude data/out "$@" 2>&1
}

# member FILE NAME: of the JSON of one file
member() {
	explain --json "$1" | python3 -c '
import json, sys
print(json.load(sys.stdin)["files"][0].get(sys.argv[1]))' "$2"
}

is "$(member data/small reason)" no_image "without an image that is the reason"
is "$("$RAWCACHE" explain --json data/small | grep -c '"no_paths"')" 1 "without a directory that is it"
"$RAWCACHE" format --size 16M "$IMAGE" >/dev/null
is "$(RAWCACHE_SETTLE=600 member data/small reason)" unsettled "a file that has just changed"
RAWCACHE_SETTLE=600 explain data/small | grep -q 'settles in'
ok $? "and when it can be cached"
is "$(member data/empty reason)" empty "an empty file"
is "$(member data/fifo reason)" not_regular "a FIFO, without waiting for its writer"
is "$(member data reason)" not_regular "a directory"
is "$(member data/out/excluded reason)" excluded "an excluded directory"
is "$(member data/out/excluded directory)" "$scratch/data/out" "which is named"
is "$(member other/outside reason)" outside "a file elsewhere"
is "$(member data/escape reason)" outside "a link that leads elsewhere"
is "$(member data/escape path)" "$scratch/other/outside" "is told by its canonical name"
is "$("$RAWCACHE" explain --path /proc --json /proc/self/maps | grep -c '"special_fs"\|"empty"')" 1 \
	"a file that the kernel makes up"
names() {
	explain --names --json data | python3 -c '
import json, sys
answer = json.load(sys.stdin)["files"][0]
print(answer["names"], answer["text"])'
}
is "$(RAWCACHE_NAMES=0 names)" "False RAWCACHE_NAMES is 0" "names are not remembered if the user says so"
grep -q 'because *.*RAWCACHE_NAMES is 0' <<<"$(RAWCACHE_NAMES=0 explain --names data)"
ok $? "which is told"
if [ "$(printf '%s\n' 6.8 "$(uname -r)" | sort -V | head -n 1)" = 6.8 ]; then
	is "$(names)" \
		"False it is not known whether its mount's directories have real times; RAWCACHE_NAMES=1 says so" \
		"on mounts of which nothing is known"
	touch data
	is "$(RAWCACHE_NAMES=1 names)" "False it was changed a moment ago" "nor in a directory that has just changed"
	touch -d '10 seconds ago' data
	is "$(RAWCACHE_SETTLE=600 RAWCACHE_NAMES=1 names)" "False it was changed a moment ago" \
		"by its ctime, and not before it has settled"
	sleep 2.1
	is "$(RAWCACHE_NAMES=1 names)" "True " "and are in one that has settled"
	is "$(RAWCACHE_NAMES=0 "$RAWCACHE" explain --names --path data other | grep -c 'RAWCACHE_NAMES is 0')" 1 \
		"RAWCACHE_NAMES comes first"
	is "$(RAWCACHE_NAMES=1 "$RAWCACHE" explain --names --path data other | grep -c 'below no configured path')" 1 \
		"in directories elsewhere they are not"
fi
explain data/nothing >out
is $? 1 "a file that is not there is refused"
grep -q 'cannot open data/nothing: No such file' out
ok $? "with the reason"
is "$(RAWCACHE_DISABLE=1 member data/small reason)" disabled "RAWCACHE_DISABLE"
is "$(RAWCACHE_SETTLE=0 member other/link path)" "$scratch/data/small" "a link from elsewhere"

sleep 2.2
is "$(member data/large served)" True "a settled file is served"
is "$(member data/large cached_bytes)" 0 "nothing of it is there yet"
cached dd if=data/large of=/dev/null bs=1000 count=1 skip=300 2>/dev/null
before=$(member data/large cached_bytes)
at_least "$before" 1000 "after a read some of it is"
at_most "$before" 262144 "and no more than its chunk"
cached cat data/large >/dev/null
is "$(member data/large cached_bytes)" 700000 "after a whole read all of it"
is "$(member data/large cached_chunks)" "$(member data/large chunks)" "in all chunks"
is "$(RAWCACHE_PATHS=$scratch/data "$RAWCACHE" explain other/link | grep -c '^served *yes')" 1 \
	"RAWCACHE_PATHS counts as well"
explain data/large data/small >out
is $? 0 "the status is 0 when all files are served"
is "$(grep -c '^key ' out)" 2 "with their keys"
is "$(grep -c '^for writing .*numpy.memmap with mode="r".*PHP with "r", qemu-io with -r' out)" 2 \
	"and what a program gets that may write to them"
explain data/large data/empty >out
is $? 1 "and 1 when one is not"
key=$(member data/large key)
is "${#key}" 32 "a key has 128 bits"
is "$(member data/large key)" "$key" "and stays the same"
echo more >>data/large
sleep 2.2
is "$(member data/large cached_bytes)" 0 "of a changed file nothing is cached"
[ "$(member data/large key)" != "$key" ]
ok $? "for it has another key"
is "$(RAWCACHE_TTL=1 member data/small cached_bytes)" 0 "a file that was never read"
cached cat data/small >/dev/null
is "$(member data/small cached_bytes)" 6 "a small file"
sleep 1.1
is "$(RAWCACHE_TTL=1 member data/small cached_bytes)" 0 "what is older than RAWCACHE_TTL counts for nothing"
echo garbage >bad.img
is "$(RAWCACHE_DEVICE=$scratch/bad.img member data/small reason)" image_refused "an image that is none"
done_testing
