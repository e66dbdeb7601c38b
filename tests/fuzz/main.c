/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without libFuzzer: FILES... [-runs=N]. Mutations are those of a fixed seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pattern.h"
#include "fuzz.h"

#define INPUT_MAX 8192

static size_t file_read(const char *path, uint8_t *buf)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(buf, 1, INPUT_MAX, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static size_t mutate(uint8_t *buf, size_t n, uint64_t *random)
{
	for (uint64_t changes = pattern_random(random) % 8 + 1; changes; changes--) {
		uint64_t r = pattern_random(random);
		size_t at = n ? (r >> 8) % n : 0;

		switch (r % 4) {
		case 0:
			if (n)
				buf[at] ^= (uint8_t)(1 << (r >> 60 & 7));
			break;
		case 1:
			if (n)
				buf[at] = (uint8_t)(r >> 56);
			break;
		case 2:
			if (n + 8 <= INPUT_MAX) {
				memcpy(buf + n, &r, 8);
				n += 8;
			}
			break;
		default:
			if (n > 16)
				n -= (r >> 40) % 8;
			break;
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	static uint8_t seed[INPUT_MAX];
	static uint8_t input[INPUT_MAX];
	unsigned long runs = 2000;
	unsigned long done = 0;
	uint64_t random = 1;

	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "-runs=", 6))
			runs = strtoul(argv[i] + 6, NULL, 10);
	for (int i = 1; i < argc; i++) {
		size_t n = *argv[i] == '-' ? 0 : file_read(argv[i], seed);

		if (*argv[i] == '-')
			continue;
		LLVMFuzzerTestOneInput(seed, n);
		for (unsigned long k = 0; k < runs; k++, done++) {
			memcpy(input, seed, n);
			LLVMFuzzerTestOneInput(input, mutate(input, n, &random));
		}
	}
	printf("# %lu inputs\nok 1 - %s\n1..1\n", done, argv[0]);
	return 0;
}
