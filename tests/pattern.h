/* SPDX-License-Identifier: MIT */
/*
 * Contents that tell where they come from: the aligned 8-byte word at an offset is a mix, that
 * can be undone, of the file's number, the version that was written, and the word's place.
 */
#ifndef TESTS_PATTERN_H
#define TESTS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_FILE_BITS 12
#define PATTERN_VERSION_BITS 24
#define PATTERN_PLACE_BITS 28

/* Where a word comes from. */
struct pattern_origin {
	uint32_t file;
	uint32_t version;
	uint64_t offset;
};

uint64_t pattern_word(uint32_t file, uint32_t version, uint64_t offset);
struct pattern_origin pattern_decode(uint64_t word);

/* The bytes of [offset, offset + n) of that version of the file. */
void pattern_fill(void *buf, size_t n, uint32_t file, uint32_t version, uint64_t offset);

/*
 * The place of the first byte in `buf` that no version from `low` to `high` of the file has at
 * its offset, or n.
 */
size_t pattern_check(const void *buf, size_t n, uint32_t file, uint32_t low, uint32_t high,
		     uint64_t offset);

/*
 * What stands at the wrong byte buf[at], `at` as pattern_check() told it, of bytes read from
 * `offset`: static text that names the file, version and place that the word there comes from.
 */
const char *pattern_explain(const void *buf, size_t n, size_t at, uint64_t offset);

/* A small generator of random numbers with its state in the caller's hands. */
static inline uint64_t pattern_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
