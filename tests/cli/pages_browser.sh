#!/bin/bash
# SPDX-License-Identifier: MIT
# A browser shows the pages without a complaint, in the dark and on a telephone.
. "$(dirname "$0")/../lib.sh"
need chromium
. "$(dirname "$0")/pages.inc"

page_of_run
"$RAWCACHE" stat --cache "$IMAGE" --html stat.html
page_of_time
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
