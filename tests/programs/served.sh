#!/bin/bash
# SPDX-License-Identifier: MIT
# What share of the bytes that a program reads comes from the cache the second time; its output is what it is without.
# served_table.inc has a line for each. Programs that are not installed are named. The wider table is run in full
# (RAWCACHE_TESTS_FULL=1), and npm's part of it with the modules of NODE_PATH or, in full, with pinned versions of
# npm's.
. "$(dirname "$0")/../lib.sh"
need python3
need_origin
mkdir -p "$scratch/back" "$scratch/bin"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mount
"$RAWCACHE" format --size 256M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_SETTLE=0

. "$TOP_SRCDIR/tests/programs/served_table.inc"
full=${RAWCACHE_TESTS_FULL:-}
modules=${NODE_PATH:-}
if [ -n "$full" ] && command -v npm >/dev/null; then
	modules=$scratch/npm/node_modules
	for program in $npm_programs; do
		check "npm: $program" \
			npm install --silent --no-audit --no-fund --prefix "$scratch/npm/$program" "$program"
		name=${program%%.*} # node@22.1.2 is node22
		ln -s "$scratch/npm/$program/node_modules/.bin/${name%@*}" "$scratch/bin/${name/@/}"
	done
	check "npm: modules" npm install --silent --no-audit --no-fund --prefix "$scratch/npm" $npm_modules
fi
export NODE_PATH=$modules
[ -z "$full" ] || table=$table$table_full
[ -z "$modules" ] || table=$table$table_npm

. "$TOP_SRCDIR/tests/programs/served_inputs.inc"
PATH=$scratch/bin:$PATH
cd "$scratch" || exit 1
sleep 0.1

# reads HOW OUTPUT COMMAND: bytes that the origin gave
reads() {
	origin_mount "$scratch/back" "$scratch/mount" >/dev/null || exit 1
	"$1" bash -c "exec $3" >"$2" 2>"$scratch/err" || sed 's/^/# /' "$scratch/err" >&2
	origin_stat "$scratch/mount" read_bytes
	origin_umount "$scratch/mount"
}

while read -r name package program percent input command; do
	[ -n "$name" ] || continue
	if ! command -v "$program" >/dev/null; then
		echo "# $name: $program is not installed ($package)"
		continue
	fi
	if [ ! -e "$scratch/back/$input" ]; then
		echo "# $name: there is nothing to read: what makes $input is not installed ($package)"
		continue
	fi
	command=${command//@/$scratch/mount}
	alone=$(reads env "$scratch/plain" "$command")
	reads cached "$scratch/first" "$command" >/dev/null
	# on a busy machine the first one's last bytes are not always stored when it ends
	for _ in 1 2 3 4 5 6; do
		second=$(reads cached "$scratch/second" "$command")
		share=$((alone ? 100 - second * 100 / alone : 0))
		[ $share -lt "$percent" ] || break
		echo "# $name: $share % of $alone bytes so far"
	done
	[ -s "$scratch/plain" ]
	ok $? "$name: it has an output"
	is "$(cat "$scratch/first" "$scratch/second" | sha256sum)" \
		"$(cat "$scratch/plain" "$scratch/plain" | sha256sum)" "$name: the output is the same"
	at_least $share "$percent" "$name: $share % of $alone bytes from the cache"
done <<<"$table"
done_testing
