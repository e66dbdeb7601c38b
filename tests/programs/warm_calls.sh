#!/bin/bash
# SPDX-License-Identifier: MIT
# A warm read makes no system call: the calls that name the file or the image, in programs that read a few blocks and
# in such that read a thousand more, as strace counts them. Node.js of NODES ("PATH..."), or the one that is
# installed; --full (RAWCACHE_TESTS_FULL=1) has npm fetch versions 20, 22 and 24. Bun makes its calls
# itself, and deno some of them: each of its reads looks (docs/notes/static.md). They are DENO and BUN, or npm's.
# A program with one such instruction stands for deno where that is not installed.
. "$(dirname "$0")/../lib.sh"
need strace python3
strace -qq -o /dev/null true 2>/dev/null || skip_all "strace cannot trace here"
mkdir "$scratch/data" "$scratch/js"
cp "$TOP_SRCDIR/tests/programs/warm_calls.js" "$scratch/js/warm_calls.js"
echo '{ "type": "commonjs" }' >"$scratch/js/package.json"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/data
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
head -c 4194304 /dev/urandom >"$scratch/data/f"
export RAWCACHE_SETTLE=0
sleep 0.1
FEW=8
MANY=1000

# calls N COMMAND...: of the reader of N blocks twice
calls() {
	cached strace -f -qq -y -o "$scratch/trace" "${@:2}" "$scratch/data/f" "$1" >"$scratch/out" 2>"$scratch/err" ||
		sed 's/^/# /' "$scratch/err" >&2
	grep -cF -e "$scratch/data/f" -e "$IMAGE" "$scratch/trace"
}

# warm NAME COMMAND...
warm() {
	name=$1
	shift
	wanted=$("$@" "$scratch/data/f" $MANY)
	is "$(cached "$@" "$scratch/data/f" $MANY 2>/dev/null)" "$wanted" \
		"$name: the right bytes, while they are stored"
	few=$(calls $FEW "$@")
	# a busy machine's first copies from the mapping are slow: then pages count as the disk's for a while
	for _ in 1 2 3; do
		many=$(calls $MANY "$@")
		[ $((many - few)) -gt 300 ] || break
	done
	is "$(cat "$scratch/out")" "$wanted" "$name: the right bytes, from the cache"
	echo "# $name: $few calls for $((2 * FEW)) reads, $many for $((2 * MANY))"
	# of the image: its mapping, what is read of it by call until its pages are seen in memory
	at_most $((many - few)) 300 "$name: warm reads make no system call"
	reads=$(grep -F "$scratch/data/f" "$scratch/trace" | grep -cE '^[0-9]+ +(p?read(64|v)?|lseek|_llseek)\(')
	is "$reads" 0 "$name: none of them is a read of the file, or an lseek()"
}

# looks NAME CALLS COMMAND...: the right bytes, and at most so many tenths of a call for each read
looks() {
	wanted=$("${@:3}" "$scratch/data/f" $MANY)
	is "$(cached "${@:3}" "$scratch/data/f" $MANY 2>/dev/null)" "$wanted" \
		"$1: the right bytes, while they are stored"
	many=$(calls $MANY "${@:3}")
	is "$(cat "$scratch/out")" "$wanted" "$1: the right bytes, from the cache"
	strace -f -qq -y -o "$scratch/trace" "${@:3}" "$scratch/data/f" $MANY >/dev/null 2>&1
	alone=$(grep -cF "$scratch/data/f" "$scratch/trace")
	echo "# $1: $many calls for $((2 * MANY)) reads, $alone without the cache"
	at_most $((many * 10 / (2 * MANY))) "$2" "$1: tenths of a call that a read makes"
}

warm "python3 $(python3 -c 'import platform; print(platform.python_version())')" \
	python3 "$TOP_SRCDIR/tests/programs/warm_calls.py"

# two calls for a pread(), which ask what the number is; a third one for a read(), for its position
if gcc -O1 -o "$scratch/own" "$TOP_SRCDIR/tests/programs/warm_calls.c"; then
	looks "a program with a system call instruction of its own" 25 "$scratch/own"
else
	echo "# gcc is not installed"
fi

nodes=${NODES:-$(command -v node)}
if [ "${RAWCACHE_TESTS_FULL:-}" = 1 ] && command -v npm >/dev/null; then
	for program in node@20.20.2 node@22.23.3 node@24.21.0 deno@2.9.6 bun@1.4.5; do
		check "npm: $program" \
			npm install --silent --no-audit --no-fund --prefix "$scratch/npm/$program" "$program"
	done
	nodes="$nodes $(echo "$scratch"/npm/node@*/node_modules/.bin/node)"
	DENO=$scratch/npm/deno@2.9.6/node_modules/.bin/deno
	BUN=$scratch/npm/bun@1.4.5/node_modules/.bin/bun
fi
[ -n "$nodes" ] || echo "# Node.js is not installed"
for node in $nodes; do
	warm "Node.js $("$node" --version)" "$node" "$scratch/js/warm_calls.js"
done
[ -z "${DENO:-}" ] || looks deno 25 env DENO_NO_UPDATE_CHECK=1 "$DENO" run -A "$scratch/js/warm_calls.js"
[ -z "${BUN:-}" ] || looks bun 11 "$BUN" "$scratch/js/warm_calls.js"
done_testing
