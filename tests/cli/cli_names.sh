#!/bin/bash
# SPDX-License-Identifier: MIT
# Names of all kinds in lists and complaints: the characters of the locale, and each on one line.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image
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
done_testing
