#!/bin/bash
# SPDX-License-Identifier: MIT
# Interpreters read files of the slow origin, each in several ways, first and again.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/suite_programs.inc"

head -c 3000000 /dev/urandom >"$scratch/store/random.bin"
seq 1 100000 >"$scratch/store/numbers"
suite_origin
here=$TOP_SRCDIR/tests/programs
sum=$(sha256sum <"$scratch/store/random.bin" | cut -d' ' -f1)
total=5000050000

interpreter() {
	name=$1
	shift
	for round in first second; do
		is "$("${below[@]}" "$@" "$m" 2>"$scratch/interpreter.err")" "$sum $sum $total" "$name, $round time"
	done
}

if command -v perl >/dev/null; then
	interpreter perl perl "$here/suite_reader.pl"
else
	echo "# perl: not run: not installed"
fi
if command -v node >/dev/null; then
	interpreter node node "$here/suite_reader.js"
else
	echo "# node: not run: not installed"
fi
if command -v java >/dev/null && command -v javac >/dev/null; then
	mkdir "$scratch/java"
	check "javac" "${below[@]}" javac -d "$scratch/java" "$here/suite_reader/Reader.java"
	interpreter java java -XX:TieredStopAtLevel=1 -cp "$scratch/java" Reader
else
	echo "# java: not run: not installed"
fi
suite_verified 1000
done_testing
