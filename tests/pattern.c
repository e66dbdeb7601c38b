/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <stdio.h>
#include <string.h>

/* Odd factors and their inverses modulo 2^64. */
#define FACTOR_A UINT64_C(0xbf58476d1ce4e5b9)
#define FACTOR_B UINT64_C(0x94d049bb133111eb)
#define INVERSE_A UINT64_C(0x96de1b173f119089)
#define INVERSE_B UINT64_C(0x319642b2d24d8ec3)

uint64_t pattern_word(uint32_t file, uint32_t version, uint64_t offset)
{
	uint64_t x = (uint64_t)file << (PATTERN_VERSION_BITS + PATTERN_PLACE_BITS) |
		     (uint64_t)version << PATTERN_PLACE_BITS | offset / 8;

	x = (x ^ x >> 30 ^ x >> 60) * FACTOR_A;
	x = (x ^ x >> 27 ^ x >> 54) * FACTOR_B;
	return x ^ x >> 31 ^ x >> 62;
}

/* x ^ x >> s ^ x >> 2s undoes x ^ x >> s, up to a last shift of 3s that is 64 or more. */
struct pattern_origin pattern_decode(uint64_t word)
{
	struct pattern_origin origin;
	uint64_t x = word;

	x = (x ^ x >> 31) * INVERSE_B;
	x = (x ^ x >> 27) * INVERSE_A;
	x = x ^ x >> 30;
	origin.file = (uint32_t)(x >> (PATTERN_VERSION_BITS + PATTERN_PLACE_BITS));
	origin.version = (uint32_t)(x >> PATTERN_PLACE_BITS) & ((1u << PATTERN_VERSION_BITS) - 1);
	origin.offset = (x & ((UINT64_C(1) << PATTERN_PLACE_BITS) - 1)) * 8;
	return origin;
}

void pattern_fill(void *buf, size_t n, uint32_t file, uint32_t version, uint64_t offset)
{
	char *p = buf;

	while (n) {
		uint64_t word = pattern_word(file, version, offset & ~UINT64_C(7));
		size_t skip = offset & 7;
		size_t part = 8 - skip < n ? 8 - skip : n;

		memcpy(p, (const char *)&word + skip, part);
		p += part;
		n -= part;
		offset += part;
	}
}

static bool byte_matches(unsigned char byte, uint32_t file, uint32_t low, uint32_t high,
			 uint64_t offset)
{
	for (uint32_t version = low; version <= high; version++) {
		uint64_t word = pattern_word(file, version, offset & ~UINT64_C(7));

		if ((unsigned char)(word >> 8 * (offset & 7)) == byte)
			return true;
	}
	return false;
}

size_t pattern_check(const void *buf, size_t n, uint32_t file, uint32_t low, uint32_t high,
		     uint64_t offset)
{
	const unsigned char *p = buf;
	size_t i = 0;

	while (i < n) {
		uint64_t at = offset + i;
		uint64_t word = 0;

		if (!(at & 7) && n - i >= 8) {
			memcpy(&word, p + i, 8);
			if (word == pattern_word(file, high, at) ||
			    word == pattern_word(file, low, at)) {
				i += 8;
				continue;
			}
		}
		/* a word at an edge, or one that a writer was just changing */
		if (!byte_matches(p[i], file, low, high, at))
			return i;
		i++;
	}
	return n;
}

const char *pattern_explain(const void *buf, size_t n, size_t at, uint64_t offset)
{
	static __thread char text[160];
	size_t before = (offset + at) & 7;
	struct pattern_origin o;
	uint64_t word;
	size_t word_at;

	/* the aligned word around it, or the next one, if the buffer holds all of it */
	if (at < before && 8 - before + 8 <= n - at)
		word_at = at + 8 - before;
	else if (at >= before && 8 <= n - (at - before))
		word_at = at - before;
	else {
		snprintf(text, sizeof(text), "byte %02x at %llu", ((const unsigned char *)buf)[at],
			 (unsigned long long)(offset + at));
		return text;
	}
	memcpy(&word, (const char *)buf + word_at, 8);
	o = pattern_decode(word);
	snprintf(text, sizeof(text),
		 "byte %02x at %llu; word %016llx at %llu is of file %u version %u offset %llu",
		 ((const unsigned char *)buf)[at], (unsigned long long)(offset + at),
		 (unsigned long long)word, (unsigned long long)(offset + word_at), o.file,
		 o.version, (unsigned long long)o.offset);
	return text;
}
