/* SPDX-License-Identifier: MIT */
/* A program that maps a file and touches each page of it once, in random order: touch FILE */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

/* Every page once: steps of an odd number within the next power of two. */
static unsigned int touch_all(volatile const unsigned char *at, uint64_t pages)
{
	uint64_t mask = 1;
	uint64_t page = 0;
	unsigned int sum = 0;

	while (mask < pages)
		mask <<= 1;
	for (uint64_t i = 0; i < mask; i++) {
		page = (page * 5 + 12345) & (mask - 1);
		if (page < pages)
			sum += at[page * PAGE];
	}
	return sum;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st))
		return 1;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return 1;
	printf("%u\n", touch_all(at, (uint64_t)st.st_size / PAGE));
	return 0;
}
