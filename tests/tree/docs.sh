#!/bin/bash
# SPDX-License-Identifier: MIT
# Every command in the documents is run: each page from its top to its end by one shell, in a world where
# /mnt/nfs is a small slow origin and /mnt/ssd an empty disk.
#
# ```sh                 a block that must succeed
# ```sh status=N        its last command's status is N
# ```sh needs=PROGRAM   skipped where that is not installed
# ```sh not-run         not run, which the text says
# ```conf               what stands in a file of somebody else's
# ```text               behind a block: what that printed; the first word of each line is looked for in it
#
# DOCS_KEEP=DIRECTORY keeps what the blocks printed, to be put into the pages.
. "$(dirname "$0")/../lib.sh"
need unshare python3 make gcc ip
need_origin
[ "$(id -u)" -eq 0 ] || skip_all "only root can mount"
unshare --mount --pid --fork true 2>/dev/null || skip_all "no namespaces here"
cd "$scratch" || exit 1
. "$TOP_SRCDIR/tests/tree/docs.inc"
pages=$(cd "$TOP_SRCDIR" && ls README.md docs/*.md docs/*/*.md)

# block_judge DIRECTORY N PAGE
block_judge() {
	read -r judge_how <"$1/$2.how"
	judge_name="$3, block $2: $(grep -m1 . "$1/$2.sh" | cut -c1-60)"
	case $judge_how in
	*not-run*)
		grep -B12 -F "$(head -1 "$1/$2.sh")" "$TOP_SRCDIR/$3" >"$scratch/near"
		grep -A8 -F "$(tail -1 "$1/$2.sh")" "$TOP_SRCDIR/$3" >>"$scratch/near"
		grep -q "not run" "$scratch/near"
		ok $? "$judge_name: the text says that it was not run"
		return
		;;
	*needs=*) [ -e "$1/$2.status" ] || { ok 0 "$judge_name # SKIP needs ${judge_how##*needs=}"; return; } ;;
	esac
	judge_wanted=0
	case $judge_how in *status=*) judge_wanted=${judge_how##*status=} ;; esac
	judge_got=$(cat "$1/$2.status" 2>/dev/null)
	[ "$judge_got" = "$judge_wanted" ] || sed 's/^/# /' "$1/$2.out"
	is "$judge_got" "$judge_wanted" "$judge_name"
	[ -e "$1/$2.text" ] || return
	awk '$1 ~ /^[A-Za-z_]+:?$/ { print $1 }' "$1/$2.text" | sort -u >"$scratch/words"
	judge_bad=$(while read -r word; do grep -qwF "$word" "$1/$2.out" || echo "$word"; done <"$scratch/words")
	[ -z "$judge_bad" ] || sed 's/^/# /' "$1/$2.out"
	is "$judge_bad" "" "$judge_name: it prints what the page shows"
}

for page in $pages; do
	dir=$scratch/blocks/$page
	blocks "$TOP_SRCDIR/$page" "$dir"
	rm -rf "${scratch:?}/mnt"
	[ ! -e "$dir/1.sh" ] || timeout 300 unshare --mount --pid --net --fork --kill-child --mount-proc \
		bash -c "cd '$scratch' && page_run '$dir'" </dev/null
	for n in $(cd "$dir" && ls | sed -n 's/\.sh$//p' | sort -n); do block_judge "$dir" "$n" "$page"; done
done
[ -z "${DOCS_KEEP:-}" ] || cp -r "$scratch/blocks/." "$DOCS_KEEP"
done_testing
