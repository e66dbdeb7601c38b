#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that read through stdio on a slow origin: the same output as natively, and no request for data at the origin
# the second time.
. "$(dirname "$0")/../lib.sh"
need gcc perl awk
s=$back
m=$CACHED_PATH
origin_has random.bin 3000000
seq 1 100000 | sed 's/$/ some words of text, the same in every line/' >"$s/lines.txt"
head -n 300 "$s/lines.txt" >"$s/lines.head"
: >"$s/empty"
printf x >"$s/one-byte"
printf '#include "numbers.h"\n#include <stdio.h>\nint main(void) { return printf("%%d\\n", NUMBER_3999) < 0; }\n' \
	>"$s/numbers.c"
seq 0 3999 | sed 's/.*/#define NUMBER_& (& * 2)/' >"$s/numbers.h"
cp -r /usr/include/linux "$s/linux"
seq 1 2000 | sed 's/.*/x=$((x + &))/' >"$s/script.sh"
echo 'echo $x; while read -r a b; do y=$a; done < ./lines.head; echo $y' >>"$s/script.sh"
slow() {
	origin --latency=1 --bandwidth=400M
}
slow
image 256M

# same NAME COMMAND...: @ stands for the directory
same() {
	name=$1
	shift
	(cd "$back" && "${@//@/$back}") 2>&1 | sed "s#$back#DIR#g" >"$scratch/native.out"
	for round in first second; do
		slow
		(cd "$m" && cached "${@//@/$m}") 2>&1 | sed "s#$m#DIR#g" >"$scratch/$round.out"
		check "$name: same output, $round time" cmp "$scratch/native.out" "$scratch/$round.out"
	done
	at_most "$(origin_stat "$m" read)" ${requests:-0} "$name: read requests the second time"
}

same sha256sum sha256sum @/random.bin @/lines.txt @/empty @/one-byte
same md5sum md5sum @/random.bin @/lines.txt
same "sha256sum of its input" sh -c 'sha256sum < "$1/random.bin"' sh @
same sort sort -r @/lines.txt
same "sort of its input" sh -c 'sort -r < "$1/lines.txt"' sh @
same wc wc @/lines.txt @/random.bin
same awk awk '{ s += $1; n += length($0) } END { print s, n }' @/lines.txt
same sed sed -n 's/words/W/; $p; 50000p' @/lines.txt
same uniq uniq -c @/lines.head
same "cut, paste, join" sh -c \
	'cut -d" " -f1 "$1/lines.txt" | paste - "$1/lines.txt" | cksum; join "$1/lines.head" "$1/lines.head" | cksum' \
	sh @
same od od -j 1000001 -N 5000 -c @/random.bin
same tac tac @/lines.txt
same diff diff @/lines.txt @/lines.head
check "a C++ compiler" ${CXX:-c++} -O2 "$TOP_SRCDIR/tests/shim/stdio_lines.cc" -o "$scratch/reader"
same "std::ifstream" "$scratch/reader" @/lines.txt
check "a C compiler" ${CC:-cc} -O2 "$TOP_SRCDIR/tests/shim/stdio_scan.c" -o "$scratch/scan"
# bytes pushed back at the buffer's edge, or long ones: scanf() reads on inside libc
requests=2
same "fscanf, getline, fseek, getc_unlocked" "$scratch/scan" @/lines.txt
requests=0
same "gcc" sh -c \
	'gcc -I"$1" -E "$1/numbers.c" -include linux/fs.h | grep -v "^#" | cksum
	gcc "$1/numbers.c" -o "$2/numbers" && "$2/numbers"' sh @ "$scratch"
same "bash script" bash @/script.sh
same "dash script" dash @/script.sh
same perl perl -ne '$s += $1 if /^(\d+)/; END { print "$s $.\n" }' @/lines.txt
same "python3 text" python3 "$TOP_SRCDIR/tests/shim/stdio_words.py" @
same "commands that share their input" sh -c '(head -n 3; sed -n 2q; wc -c) < "$1/lines.txt"' sh @
is "$(counter verify_failed)" 0 "no checksum failed"
is "$(counter fill_errors)" 0 "no fill failed"
done_testing
