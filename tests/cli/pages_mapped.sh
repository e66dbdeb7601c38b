#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that only maps its files reads nothing: the page about it tells of the bytes that it mapped.
. "$(dirname "$0")/../lib.sh"
need python3
cd "$scratch" || exit 1
export RAWCACHE_RUNTIME_DIR=$scratch/runtime HOME=$scratch CACHED_PATH=$scratch/data
mkdir runtime data
head -c 8388608 /dev/urandom >data/weights
age data
image 64M
mapping='
import mmap, sys, time
f = open("data/weights", "rb")
time.sleep(0.4)
m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
sum(m[::4096])
time.sleep(0.4)'
# page_says NAME [!] TEXT FILE
page_says() {
	if [ "$2" = ! ]; then ! grep -qF -e "$3" "$4"; else grep -qF -e "$2" "$3"; fi
	ok $? "$1"
}

"$RAWCACHE" warm --cache "$IMAGE" data/weights >/dev/null
check "a program maps a file that is cached" \
	"$RAWCACHE" run --path data --cache "$IMAGE" --report run.html -- python3 -c "$mapping"
page_says "its bytes came from somewhere" ! "No byte was read" run.html
page_says "from the cache" "from the cache 8M" run.html
page_says "as its pages" "8M are the cache's pages, 0 the origin's." run.html
page_says "which is a share of the bytes" "100.0% of the bytes" run.html
page_says "and a tile" "mapped from the cache" run.html
page_says "no share of reads is told, where nothing was read" ! "of the reads" run.html
page_says "nothing went past the cache" "Nothing went past the cache." run.html
is "$(grep -c 'class="curve" d="M' run.html)" 1 "the curve has the time of the mapping"

"$RAWCACHE" run --path data --cache "$IMAGE" -- python3 -c "$mapping
time.sleep(30)" &
pids="$pids $!"
program_maps() { [ "$(counter mapped_bytes)" = 16777216 ]; }
wait_until program_maps
"$RAWCACHE" stat --cache "$IMAGE" --per-process --bytes >processes.txt
"$RAWCACHE" stat --cache "$IMAGE" --html stat.html
is "$(awk '$2 ~ /^python/ { print $(NF - 2) }' processes.txt)" 8388608 "a process has from the cache what it maps"
sed -n '/Processes that use the image now/,/<\/section>/p' stat.html >card.html
page_says "on the page, too" '>8M<' card.html
stop $!

image 64M
head -c 33554432 /dev/urandom >data/large
age data
"$RAWCACHE" warm --cache "$IMAGE" data/weights >/dev/null
sed "s/weights/large/" <<<"$mapping" >large.py
check "a program maps a file that is not cached" \
	"$RAWCACHE" run --path data --cache "$IMAGE" --report large.html -- python3 large.py
page_says "its pages went past the cache" ! "Nothing went past the cache." large.html
page_says "with what to do" "of mappings are the origin's pages" large.html
done_testing
