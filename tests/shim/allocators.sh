#!/bin/bash
# SPDX-License-Identifier: MIT
# Other allocators, preloaded before and after the shim and linked, and the address sanitizer: they
# call open(), read() and mmap() while they begin, and the shim must not call them back then.
. "$(dirname "$0")/../lib.sh"
CC=${CC:-cc}
mkdir -p "$scratch/d"
head -c 3000000 /dev/urandom >"$scratch/d/file"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
cat >"$scratch/reader.c" <<'CODE'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;
static unsigned long sums[4];

/* Read it through a descriptor and a stream, with memory that comes and goes. */
static void *reader(void *arg)
{
	unsigned long sum = 0;

	for (int round = 0; round < 3; round++) {
		int fd = open(path, O_RDONLY);
		FILE *f = fopen(path, "r");
		char *line = NULL;
		size_t room = 0;
		ssize_t n;

		do {
			unsigned char *buf = malloc(10000);

			n = read(fd, buf, 10000);
			for (ssize_t i = 0; i < n; i++)
				sum = sum * 31 + buf[i];
			free(buf);
		} while (n > 0);
		while (getline(&line, &room, f) > 0)
			sum = sum * 31 + (unsigned char)line[0];
		free(line);
		fclose(f);
		close(fd);
	}
	*(unsigned long *)arg = sum;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[4];
	int status = 0;
	pid_t pid;

	if (argc < 2)
		return 2;
	path = argv[1];
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, reader, &sums[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 1; i < 4; i++)
		if (sums[i] != sums[0])
			return 1;
	pid = fork();
	if (!pid) {
		reader(&sums[1]);
		_exit(sums[1] != sums[0]);
	}
	waitpid(pid, &status, 0);
	printf("%lu\n", sums[0]);
	return status != 0;
}
CODE
age "$scratch/d"
check "the reader is compiled" $CC -O1 -pthread "$scratch/reader.c" -o "$scratch/reader"
want=$("$scratch/reader" "$scratch/d/file")
below=("$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" --)

# reads NAME COMMAND...: the same sum, and out of the cache
reads() {
	name=$1
	shift
	before=$(counter hits)
	is "$(timeout 60 "$@" "$scratch/d/file" 2>&1)" "$want" "$name: reads the file"
	at_least "$(counter hits)" $((before + 100)) "$name: out of the cache"
}

reads "libc's own" "${below[@]}" "$scratch/reader"
for library in libjemalloc.so.2 libtcmalloc.so.4 libtcmalloc_minimal.so.4; do
	path=$(ldconfig -p | sed -n "s/.*$library .*=> //p" | head -n 1)
	[ -n "$path" ] || { echo "# $library: not run: not installed"; continue; }
	reads "$library after the shim" env RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$IMAGE" \
		LD_PRELOAD="$RAWCACHE_PRELOAD $path" "$scratch/reader"
	reads "$library before the shim" env RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$IMAGE" \
		LD_PRELOAD="$path $RAWCACHE_PRELOAD" "$scratch/reader"
	check "$library is linked" $CC -O1 -pthread "$scratch/reader.c" -o "$scratch/linked" \
		-Wl,--no-as-needed "$path"
	reads "$library linked" "${below[@]}" "$scratch/linked"
done
if $CC -O1 -g -pthread -fsanitize=address "$scratch/reader.c" -o "$scratch/sanitized" 2>/dev/null; then
	reads "the address sanitizer" "${below[@]}" "$scratch/sanitized"
	runtime=$($CC -print-file-name=libasan.so)
	[ ! -e "$runtime" ] || reads "the address sanitizer, preloaded" env RAWCACHE_PATHS="$scratch/d" \
		RAWCACHE_DEVICE="$IMAGE" LD_PRELOAD="$(readlink -f "$runtime") $RAWCACHE_PRELOAD" \
		"$scratch/sanitized"
else
	echo "# the address sanitizer: not run: not installed"
fi
if $CC -O1 -g -pthread -fsanitize=undefined,address -static-libasan "$scratch/reader.c" \
	-o "$scratch/sanitized" 2>/dev/null; then
	reads "the address sanitizer, linked statically" "${below[@]}" "$scratch/sanitized"
fi
is "$(counter verify_failed)" 0 "no checksum failed"
done_testing
