#!/bin/bash
# SPDX-License-Identifier: MIT
# The prototype tests/programs/notify: programs of Go, static or with calls of their own, that the preload object does
# not reach, get small files by seccomp notification. What they put out is what they put out alone; the second time
# the origin is not read. restic of Debian; esbuild of npm with --full (RAWCACHE_TESTS_FULL=1), or named by ESBUILD.
. "$(dirname "$0")/../lib.sh"
need python3 restic
need_origin
notify=$TOP_BUILDDIR/tests/programs/notify
esbuild=${ESBUILD:-}
if [ "${RAWCACHE_TESTS_FULL:-}" = 1 ] && command -v npm >/dev/null; then
	check "npm: esbuild" npm install --silent --no-audit --no-fund --prefix "$scratch/npm" esbuild@0.28.2
	esbuild=$(find "$scratch/npm" -path '*bin/esbuild' -exec file {} + | sed -n 's/: *ELF.*//p' | head -n 1)
fi
mkdir -p "$scratch/back/js" "$scratch/plain"
for i in $(seq 100); do
	echo "export const v$i = 'value $i' + require('./x$((i * 7 % 100 + 1))').text;" >"$scratch/back/js/m$i.js"
	echo "exports.text = 'x$i';" >"$scratch/back/js/x$i.js"
	echo "import { v$i } from './m$i.js'; console.log(v$i);"
done >"$scratch/back/js/main.js"
mkdir "$scratch/back/js/odd"
head -c 3000000 /dev/urandom >"$scratch/back/large"
: >"$scratch/back/js/odd/empty"
ln -s ../main.js "$scratch/back/js/odd/link"
ln "$scratch/back/js/x3.js" "$scratch/back/js/odd/second name"
chmod 600 "$scratch/back/js/x1.js"
age "$scratch/back"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mount
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
origin_mount "$scratch/back" "$scratch/mount" --latency=1 || skip_all "the origin cannot be mounted"
m=$scratch/mount
check "filters with a supervisor are possible here" "$notify" "$m" true

# below COMMAND...: by the prototype, whose own reads come from the cache
below() {
	cached "$notify" --answers "$scratch/answers" "$m" "$@"
}
# twice NAME COMMAND...: the second time the origin's bytes are not asked for
twice() {
	check "$1: below the supervisor" below "${@:2}"
	at_least "$(cat "$scratch/answers")" 100 "$1: opens are answered by it"
	sleep 0.5
	origin_control "$m" reset
	check "$1: once more" below "${@:2}"
	echo "# $(cat "$scratch/answers") opens answered, $(origin_stat "$m" read_bytes) bytes of the origin read"
}

# --- what a program sees of a file, by each call that tells
sees=$TOP_SRCDIR/tests/programs/static_sees.py
files=("$m/js/main.js" "$m/js/x1.js" "$m/js/odd/empty" "$m/js/odd/link" "$m/large")
is "$("$notify" --answers "$scratch/answers" "$m" python3 "$sees" "${files[@]}" 2>&1)" \
	"$(python3 "$sees" "${files[@]}" 2>&1)" \
		"reads, positions, attributes, mappings, refusals: as without"
at_least "$(cat "$scratch/answers")" 8 "and they were answered"
is "$(cd "$m/js" && "$notify" "$m" sh -c 'cat main.js odd/link ../js/x1.js; cat no-such-file' 2>&1 | sha256sum)" \
	"$(cd "$m/js" && sh -c 'cat main.js odd/link ../js/x1.js; cat no-such-file' 2>&1 | sha256sum)" \
	"names from here, through links and from above: as without"
"$notify" "$m" sh -c 'kill -9 $$'
is $? 137 "the program's death is told"
before=$(cat "$m/js/x2.js")
after=$("$notify" "$m" sh -c 'cat "$0" >/dev/null; echo changed >"$0"; cat "$0"' "$m/js/x2.js")
is "$after" changed "a file that is changed is the new one at the next open"
echo "$before" >"$m/js/x2.js"
age "$scratch/back"

# --- restic: contents and attributes in its trees, whose names are sums of both
export RESTIC_PASSWORD=x RESTIC_REPOSITORY=$scratch/repository
tree() {
	restic -q --no-cache snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["tree"])'
}
check "restic: a repository" restic -q init
# from here: directories above are in the tree as well, and change
backup=(env -C "$m" restic -q --no-cache backup --force js)
check "restic: alone" "${backup[@]}"
wanted=$(tree)
twice restic "${backup[@]}"
is "$(tree)" "$wanted" "restic: the same tree as alone"
is "$(origin_stat "$m" read_bytes)" 0 "restic: the origin is not read the second time"
check "restic: the repository is whole" restic -q --no-cache check --read-data

# --- esbuild
if [ -x "$esbuild" ]; then
	bundle() {
		"${@:2}" "$esbuild" --bundle "$m/js/main.js" --sourcemap --metafile="$scratch/$1/meta.json" \
			--outfile="$scratch/$1/out.js" --log-level=error
	}
	bundle plain env || exit 1
	mkdir "$scratch/below"
	twice esbuild "$esbuild" --bundle "$m/js/main.js" --sourcemap --metafile="$scratch/below/meta.json" \
		--outfile="$scratch/below/out.js" --log-level=error
	is "$(origin_stat "$m" read_bytes)" 0 "esbuild: the origin is not read the second time"
	for file in out.js out.js.map; do
		check "esbuild: $file is what it is alone" cmp "$scratch/plain/$file" "$scratch/below/$file"
	done
	is "$(sed 's#/below/#/plain/#g' "$scratch/below/meta.json")" "$(cat "$scratch/plain/meta.json")" \
		"esbuild: so is what it tells of its inputs"
else
	echo "# esbuild is not installed"
fi
done_testing
