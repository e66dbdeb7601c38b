#!/bin/bash
# SPDX-License-Identifier: MIT
# What the documents name in their text: commands outside of blocks that are run (docs.sh), options, links.
. "$(dirname "$0")/../lib.sh"
cd "$scratch" || exit 1
pages=$(cd "$TOP_SRCDIR" && ls README.md docs/*.md docs/*/*.md)

# --- commands that are in no block that is run

# $ in front: scripts/walk prints docs/walk.md, and has each of its commands
grep -h '^    \$ ' "$TOP_SRCDIR/docs/walk.md" | sed 's/^    \$ //; s/ &$//' >walked
tr -d '\\' <"$TOP_SRCDIR/scripts/walk" >walk
bad=$(while IFS= read -r line; do grep -qF -- "$line" walk || echo "$line"; done <walked)
is "$bad" "" "the commands of docs/walk.md are those of scripts/walk"
at_least "$(wc -l <walked)" 6 "which are there"
# else none stands outside of a block, but scripts/... of this tree, which say themselves what they did
bad=$(cd "$TOP_SRCDIR" && for page in $pages; do
	awk -v page="$page" '/^```/ { inside = !inside } /^    (\$|# apt)/ { shown = 1 } /^$/ { shown = 0 }
		!inside && !shown && $0 ~ "^    ((sudo|export|cd|head|env|LD_PRELOAD=[^ ]*|RAWCACHE_[A-Z]*=[^ ]*) |" \
			"rawcache [a-z]|memcached|nginx|curl|apt)" {
			print page ": " $0 }' "$page"
done)
is "$bad" "" "no command stands outside of a block that is run"

# --- commands in lines of the text: each and its options exist

"$RAWCACHE" help --table options >options
(cd "$TOP_SRCDIR" && for page in $pages NEWS; do
	tr '\n' ' ' <"$page" | grep -oE '`rawcache [a-z]+[^`]*`' | tr -d '`' | tr -s ' ' | sed "s|^|$page |"
done) >inline
bad=$(while read -r page _ command rest; do
	grep -q "^$command " options || { echo "$page: rawcache $command"; continue; }
	for word in ${rest%% -- *}; do
		case $word in
		--) break ;;
		--[a-z]*) grep -qx -e "$command $(echo "$word" | grep -oE '^--[a-z-]+')" options ||
			echo "$page: rawcache $command $rest" ;;
		esac
	done
done <inline)
is "$bad" "" "commands that the text names, and their options, exist"
at_least "$(wc -l <inline)" 100 "there are such"

# --- links

(cd "$TOP_SRCDIR" && grep -oE '\]\([^)#]+' $pages docs/*.md | sort -u) >links
bad=
while IFS= read -r line; do
	from=${line%%:*} to=${line#*](}
	case $to in *://*) continue ;; esac
	[ -e "$TOP_SRCDIR/$(dirname "$from")/$to" ] || bad="$bad $from->$to"
done <links
is "$bad" "" "links lead to files"
bad=$(cd "$TOP_SRCDIR" && for page in docs/*.md docs/quickstart/*.md; do
	grep -qF "$page" docs/Makefile.inc || echo "$page"
done)
is "$bad" "" "all pages are in the tarball"
at_most "$(wc -l <"$TOP_SRCDIR/README.md")" 70 "the README is short"
done_testing
