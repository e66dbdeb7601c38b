#!/bin/bash
# SPDX-License-Identifier: MIT
# Pages and the pictures of top: what they tell, and that a browser shows them without a complaint.
. "$(dirname "$0")/../lib.sh"
cd "$scratch" || exit 1
export RAWCACHE_RUNTIME_DIR=$scratch/runtime HOME=$scratch
mkdir runtime data data/train
evil='<img src=x onerror=alert(1)>&".bin'
for name in train/a train/b "$evil"; do head -c 700000 /dev/urandom >"data/$name"; done
age data
IMAGE=$scratch/cache.img

# has NAME FILE TEXT...: the page has each of them
has() {
	has_name=$1 has_file=$2 has_bad=0
	shift 2
	for text; do grep -qF -e "$text" "$has_file" || { echo "# missing: $text"; has_bad=1; }; done
	ok $has_bad "$has_name"
}

# --- what pages tell

"$RAWCACHE" run --path data --cache "$IMAGE" --size 64M --report run.html -- \
	sh -c 'for i in 1 2 3; do cat data/*/* data/*.bin | cat >/dev/null; sleep 0.25; done; exit 7' 2>err
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
"$RAWCACHE" run --path data --cache "$IMAGE" -- python3 -c '
import time
for i in range(40):
    open("data/train/a", "rb").read()
    time.sleep(0.1)' &
pids="$pids $!"
"$RAWCACHE" stat --cache "$IMAGE" --html watch.html --watch 0.2 --count 4
is $? 0 "stat --html --watch"
has "it tells of that time" watch.html "Counted in " 'class="curve"' "Processes that use the image now"
stop $!
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

# --- top

if script --version >/dev/null 2>&1; then
	(sleep 1.2; printf q) | TERM=xterm LC_ALL=C.UTF-8 timeout 20 \
		script -qec "stty rows 40 cols 100; '$RAWCACHE' top --cache '$IMAGE' -i 0.2" /dev/null >top.out 2>err
	has "top has bars and the map" top.out "hit ratio" "origin /s" "misses, 99%" "map: Oo once"
	(sleep 0.6; printf p; sleep 0.6; printf q) | TERM=xterm timeout 20 \
		script -qec "stty rows 15 cols 80; '$RAWCACHE' top --cache '$IMAGE' -i 0.2" /dev/null >top.out 2>err
	! grep -q "hit ratio" top.out
	ok $? "and none of it on a small screen"
else
	ok 0 "top # SKIP needs script(1)"
fi

# --- in a browser

if ! command -v chromium >/dev/null; then
	ok 0 "a browser # SKIP chromium is not installed"
	done_testing
fi
# browser FILE OPTION...: as Debian's, without the network, with nothing remembered
browser() {
	browser_file=$1
	shift
	rm -rf profile
	mkdir profile
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--user-data-dir="$scratch/profile" --hide-scrollbars --enable-logging=stderr "$@" \
		"file://$scratch/$browser_file" 2>browser.err
}
echo '<script>console.error("control")</script>' >control.html
browser control.html --dump-dom >/dev/null
grep -q CONSOLE browser.err
ok $? "complaints of the browser are seen"
for page in run stat watch; do
	browser "$page.html" --window-size=1200,1600 --screenshot="$scratch/$page.png"
	[ -s "$page.png" ] && ! grep CONSOLE browser.err
	ok $? "$page.html is shown without a complaint"
done
browser run.html --window-size=1200,1600 --blink-settings=preferredColorScheme=0 \
	--screenshot="$scratch/dark.png"
[ -s dark.png ] && ! cmp -s dark.png run.png
ok $? "it looks different where dark is preferred"
# in a frame as wide as a telephone: a script may look into a frame that has its text
python3 "$TOP_SRCDIR/tests/cli/pages_frame.py"
browser phone.html --virtual-time-budget=3000 --dump-dom |
	sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' | head -1 >phone.txt
sed 's/^/# /' phone.txt
read -r _ widest _ scroll _ smallest <phone.txt
at_most "${widest:-9999}" 400 "at 400 pixels nothing sticks out"
at_most "${scroll:-9999}" 400 "and nothing has to be scrolled aside"
at_least "${smallest:-0}" 10 "and the smallest letters can be read"
done_testing
