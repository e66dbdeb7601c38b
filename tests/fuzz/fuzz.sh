#!/bin/bash
# SPDX-License-Identifier: MIT
# Build the fuzz targets with sanitizers and run each for FUZZ_SECONDS (3): with libFuzzer where
# clang has it, else over the corpus with mutations of a fixed seed. FUZZ_TARGETS names some of them.
cd "${TOP_BUILDDIR:-.}" || exit 1
src=${TOP_SRCDIR:-..}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rawcache-fuzz.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
flags="-std=gnu11 -D_GNU_SOURCE -O1 -g -pthread -fexceptions -fno-strict-aliasing
	-fno-omit-frame-pointer -I$src/src -I$src/include -I$src/tests"
if echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { (void)d; (void)n; return 0; }' |
	clang -x c - -fsanitize=fuzzer,address,undefined -o "$scratch/probe" 2>/dev/null; then
	cc=clang
	compile=-fsanitize=fuzzer-no-link,address,undefined
	link=-fsanitize=fuzzer,address,undefined
	main=
else
	cc=${CC:-cc}
	compile=-fsanitize=address,undefined
	link=$compile
	main=$src/tests/fuzz/main.c
	if ! echo 'int main(void) { return 0; }' | $cc -x c - $compile -o "$scratch/probe"; then
		echo "1..0 # SKIP no compiler with sanitizers"
		exit 0
	fi
fi
flags="$flags -fno-sanitize-recover=undefined -fno-sanitize=alignment"
sources="$(find "$src/src/base" -name "*.c" ! -name version.c | tr "\n" " ") $src/src/core/*/*.c
	$src/tests/pattern.c $src/tests/support.c
	$src/tests/fuzz/overlay.c $src/tests/fuzz/fuzz_engine.c"
export src cc flags compile scratch
printf '%s\n' $sources | xargs -P 2 -I{} sh -c \
	'$cc $flags $compile -c "$1" -o "$scratch/$(basename "$1" .c).o"' sh {} || exit 1
number=0
for target in ${FUZZ_TARGETS:-superblock index runtime attack tier}; do
	number=$((number + 1))
	$cc $flags $link "$src/tests/fuzz/fuzz_$target.c" $main "$scratch"/*.o -luring \
		-o "$scratch/fuzz_$target" || exit 1
	corpus=${FUZZ_CORPUS:-$scratch/corpus}/$target
	mkdir -p "$corpus"
	cp -n "$src"/tests/fuzz/corpus/$target/* "$corpus"
	if [ -z "$main" ]; then
		set -- -max_total_time="${FUZZ_SECONDS:-3}" -timeout=20 -max_len=4096 \
			-artifact_prefix="$scratch/" "$corpus"
	else
		set -- -runs=200 "$corpus"/*
	fi
	# what lies in shared memory or was mapped for good is no leak
	if ASAN_OPTIONS=detect_leaks=0 "$scratch/fuzz_$target" "$@" >"$scratch/log" 2>&1; then
		grep -E '^(Done|# )' "$scratch/log" | sed 's/^/# /'
		echo "ok $number - $target"
	else
		tail -40 "$scratch/log" | sed 's/^/# /'
		for crash in "$scratch"/crash-* "$scratch"/timeout-*; do
			[ -f "$crash" ] && echo "# input: $(base64 -w0 "$crash")"
		done
		echo "not ok $number - $target"
	fi
done
echo "1..$number"
