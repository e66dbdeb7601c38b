/* SPDX-License-Identifier: MIT */
/*
 * Loads a file as model servers do: loader FILE REFERENCE [populate]
 *
 * The file is mapped, its descriptor closed, and every byte compared with the reference, pieces of
 * 64 KiB in random order. Then the mapping stays until the end of the standard input.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536u

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static const char *map(const char *path, int flags, size_t *size)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	*size = (size_t)st.st_size;
	p = mmap(NULL, *size, PROT_READ, flags, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	close(fd);
	return p;
}

int main(int argc, char **argv)
{
	bool populate = argc > 3 && !strcmp(argv[3], "populate");
	uint64_t state = 88172645463325252u;
	size_t size, expected;
	const char *p, *q;
	uint32_t *order;
	uint32_t pieces;
	char c;

	if (argc < 3)
		return 2;
	p = map(argv[1], MAP_SHARED | (populate ? MAP_POPULATE : 0), &size);
	q = map(argv[2], MAP_PRIVATE, &expected);
	if (size != expected)
		return 1;
	pieces = (uint32_t)((size + PIECE - 1) / PIECE);
	order = malloc(pieces * sizeof(*order));
	for (uint32_t i = 0; i < pieces; i++) {
		uint32_t j;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		j = (uint32_t)(state % (i + 1));
		order[i] = order[j];
		order[j] = i;
	}
	for (uint32_t i = 0; i < pieces; i++) {
		size_t at = (size_t)order[i] * PIECE;
		size_t n = size - at < PIECE ? size - at : PIECE;

		if (memcmp(p + at, q + at, n)) {
			fprintf(stderr, "other bytes near %zu\n", at);
			return 1;
		}
	}
	puts("loaded");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
