#!/bin/bash
# SPDX-License-Identifier: MIT
# Streams: random stdio calls in lockstep with a plain file, and programs that read through stdio,
# on a slow origin: the same output, and no request for data at the origin the second time.
. "$(dirname "$0")/../lib.sh"
bin=$TOP_BUILDDIR/tests/shim
mkdir -p "$scratch/store" "$scratch/plain"
IMAGE=$scratch/cache.img
"$RAWCACHE" format --size 256M "$IMAGE" >/dev/null || exit 1
python3 - "$scratch/store/mixed" <<'PYTHON'
import random, sys
random.seed(4)
lines, n = [], 0
while n < 700000:
    kind = random.random()
    if kind < .5:
        line = str(random.randint(-10**6, 10**6)).encode()
    elif kind < .9:
        line = bytes(random.choices(b"abcdefgx \t", k=random.randint(0, 200)))
    elif kind < .92:
        line = bytes(random.choices(b"abcdefghij", k=random.randint(0, 20000)))
    else:
        line = bytes(random.choices(range(256), k=random.randint(0, 100)))
    lines.append(line)
    n += len(line) + 1
open(sys.argv[1], "wb").write(b"\n".join(lines))
PYTHON
cp "$scratch/store/mixed" "$scratch/plain/mixed"
s=$scratch/store
m=$scratch/mnt
head -c 3000000 /dev/urandom >"$s/random.bin"
seq 1 100000 | sed 's/$/ some words of text, the same in every line/' >"$s/lines.txt"
: >"$s/empty"
printf x >"$s/one-byte"
cat >"$s/numbers.c" <<'CODE'
#include "numbers.h"
#include <stdio.h>
int main(void)
{
	printf("%d\n", NUMBER_3999);
	return 0;
}
CODE
seq 0 3999 | sed 's/.*/#define NUMBER_& (& * 2)/' >"$s/numbers.h"
cp -r /usr/include/linux "$s/linux"
cat >"$scratch/reader.cc" <<'CODE'
#include <fstream>
#include <iostream>
#include <string>
int main(int argc, char **argv)
{
	std::ifstream f(argv[1]);
	std::string line;
	unsigned long sum = 0, lines = 0;
	while (std::getline(f, line)) {
		sum = sum * 31 + line.size() + (line.empty() ? 0 : line[line.size() / 2]);
		if (++lines % 1000 == 0)
			f.seekg(17, std::ios::cur);
	}
	f.clear();
	f.seekg(-100, std::ios::end);
	char tail[100];
	f.read(tail, sizeof(tail));
	std::cout << sum << ' ' << lines << ' ' << f.gcount() << ' ' << tail[50] << '\n';
}
CODE
cat >"$scratch/scan.c" <<'CODE'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	FILE *f = fopen(argv[1], "r");
	long number, sum = 0;
	char word[100], *line = NULL;
	size_t room = 0;
	while (fscanf(f, "%ld %99s", &number, word) == 2) {
		sum = sum * 3 + number + word[0];
		if (getline(&line, &room, f) < 0)
			break;
		sum += line[3];
		if (number % 1000 == 0)
			fseek(f, 4321, SEEK_CUR);
		ungetc('\n', f);
	}
	fseek(f, 0, SEEK_END);
	printf("%ld %ld\n", sum, ftell(f));
	rewind(f);
	setvbuf(f, NULL, _IOFBF, 1 << 20);
	while ((number = getc_unlocked(f)) != EOF)
		sum = sum * 31 + number;
	printf("%ld\n", sum);
	return 0;
}
CODE
seq 1 2000 | sed 's/.*/x=$((x + &))/' >"$s/script.sh"
echo 'echo $x; while read -r a b; do y=$a; done < ./lines.head; echo $y' >>"$s/script.sh"
head -n 300 "$s/lines.txt" >"$s/lines.head"
age "$s"

CACHED_PATH=$s
for seed in 1 2 3 4; do
	check "random calls in lockstep, seed $seed" \
		cached "$bin/stdio_diff" "$s/mixed" "$scratch/plain/mixed" $seed 5000
done
check "random calls with the cache off the way" env LD_PRELOAD="$RAWCACHE_PRELOAD" \
	RAWCACHE_DISABLE=1 "$bin/stdio_diff" "$s/mixed" "$scratch/plain/mixed" 9 2000

# threads, and threads that are cancelled
seq 1 100000 >"$s/numbers"
mkfifo "$scratch/fifo"
sleep 2.2
cached cat "$s/numbers" >/dev/null
before=$(counter hits)
check "threads on one stream, and cancelled" cached timeout 60 "$bin/shim_streams" "$s/numbers" "$scratch/fifo"
at_least $(($(counter hits) - before)) 100 "out of the cache"

# a libc with another FILE: the self-test finds out, and streams are libc's
cat >"$scratch/strange.c" <<'CODE'
void _IO_free_backup_area(void *stream) { (void)stream; }
CODE
check "a strange libc" ${CC:-cc} -shared -fPIC "$scratch/strange.c" -o "$scratch/strange.so"
strange() {
	env LD_PRELOAD="$RAWCACHE_PRELOAD $scratch/strange.so" RAWCACHE_PATHS="$s" RAWCACHE_DEVICE="$IMAGE" \
		RAWCACHE_LOG="$scratch/strange.log" "$@"
}
is "$(strange sha256sum "$s/numbers")" "$(sha256sum "$s/numbers")" "where the self-test fails the bytes are right"
strange "$bin/stdio_diff" "$s/mixed" "$scratch/plain/mixed" 5 2000 >/dev/null
is $? 0 "and so are random calls"
at_least "$(grep -c 'left to libc' "$scratch/strange.log")" 1 "and it says so"

# a program that waits at the end of the file sees it grow
cp "$s/lines.head" "$s/growing"
cat >"$scratch/grow.c" <<'CODE'
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	FILE *f = fopen(argv[1], "r");
	FILE *w = fopen(argv[1], "a");
	char line[200];
	int lines = 0;
	while (fgets(line, sizeof(line), f))
		lines++;
	fputs("one more\n", w);
	fflush(w);
	if (fgets(line, sizeof(line), f) || !feof(f))
		return 1; /* the end is sticky */
	clearerr(f);
	if (!fgets(line, sizeof(line), f) || strcmp(line, "one more\n"))
		return 2;
	fputs("and one", w);
	fclose(w);
	clearerr(f);
	return !fgets(line, sizeof(line), f) || strcmp(line, "and one") || lines != 300;
}
CODE
check "a C compiler" ${CC:-cc} -O2 "$scratch/grow.c" -o "$scratch/grow"
check "clearerr() shows what was appended" cached "$scratch/grow" "$s/growing"
rm "$s/growing"

need_origin
need gcc perl awk
origin_mount "$s" "$m" --latency=1 --bandwidth=400M || skip_all "the origin cannot be mounted"
CACHED_PATH=$m

remount() {
	origin_umount "$m" && origin_mount "$s" "$m" --latency=1 --bandwidth=400M
}

# same NAME COMMAND...: @ stands for the directory
same() {
	name=$1
	shift
	(cd "$s" && "${@//@/$s}") 2>&1 | sed "s#$s#DIR#g" >"$scratch/native.out"
	for round in first second; do
		remount
		origin_control "$m" reset
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
check "a C++ compiler" ${CXX:-c++} -O2 "$scratch/reader.cc" -o "$scratch/reader"
same "std::ifstream" "$scratch/reader" @/lines.txt
check "a C compiler" ${CC:-cc} -O2 "$scratch/scan.c" -o "$scratch/scan"
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
same "python3 text" python3 -c '
import sys
n = 0
for line in open(sys.argv[1] + "/lines.txt"):
    n += len(line.split())
print(n)' @
same "commands that share their input" sh -c '(head -n 3; sed -n 2q; wc -c) < "$1/lines.txt"' sh @
is "$(counter verify_failed)" 0 "no checksum failed"
is "$(counter fill_errors)" 0 "no fill failed"
done_testing
