#!/bin/bash
# SPDX-License-Identifier: MIT
# Pages about a run, about all time, and about a time: what they tell.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/pages.inc"

page_of_run
is $? 7 "run --report has the program's status"
has "its page tells of the run" run.html "Ended with status 7" "Where the bytes came from" "Hit ratio" \
	"Latency of misses" "What was not served, and what to do" 'class="curve"' "region by region" \
	"data/train" "in 2 files" "being written"
# other files than those of the directories that are cached are nobody's business here
is "$(sed -n 's/.*<b>\([0-9]*\)<.*calls past the cache.*/\1/p' run.html)" \
	"$(sed -n '/What was not served/,/<\/section>/s/.*<td class="n">\([0-9]*\)<.*/\1/p' run.html |
		awk '{ n += $1 } END { print n + 0 }')" \
	"what went past the cache is the sum of the reasons"
sed -n '/read again most/,/<\/section>/p' run.html >read.txt
has "and of what is read again" read.txt "data/train/a" ", of a file of 683"
has "names are escaped" run.html '&lt;img src=x onerror=alert(1)&gt;&amp;&quot;.bin'
! grep -q '<img\|<script\|http:\|https:\|@import\|url(' run.html
ok $? "nothing is loaded and nothing runs"
sed -n 's/.*<b>\([0-9.]*\)%<.*/\1/p' run.html | head -1 | awk '{ exit !($1 > 50) }'
ok $? "two of three passes were hits"
"$RAWCACHE" stat --cache "$IMAGE" --html stat.html
is $? 0 "stat --html"
has "it tells of all time" stat.html "since the image was made" "Cache $(realpath "$IMAGE")"
page_of_time
is $? 0 "stat --html --watch"
has "it tells of that time" watch.html "Counted in " 'class="curve"' "Processes that use the image now"
stop "${pids##* }"
ls ./*.html.* >left 2>/dev/null
is "$(cat left)" "" "no temporary file is left"
"$RAWCACHE" stat --cache "$IMAGE" --html none/x.html 2>err
is $? 1 "a page that cannot be written is refused"
has "with what to do" err "name a file in a directory that you may write"
"$RAWCACHE" run --path data --cache "$IMAGE" --report none/x.html -- touch ran 2>err
[ $? = 1 ] && [ ! -e ran ]
ok $? "before the program runs"
"$RAWCACHE" stat --cache "$IMAGE" --html /dev/stdout | grep -q "</html>"
ok $? "a page goes to standard output"
"$RAWCACHE" stat --cache "$IMAGE" --html x.html --watch 1 2>err
[ $? = 2 ] && grep -q -e --count err
ok $? "--watch without an end is refused"
done_testing
