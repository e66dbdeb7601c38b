/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "base/size.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char suffixes[] = "KMGTP";

at_start static int digits_parse(const char **text, uint64_t *number)
{
	const char *p = *text;
	uint64_t n = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -ERANGE;
	*text = p;
	*number = n;
	return 0;
}

at_start static unsigned int suffix_shift(const char **text)
{
	const char *p = *text;
	const char *found = *p ? strchr(suffixes, *p >= 'a' ? *p - 'a' + 'A' : *p) : NULL;
	unsigned int shift = 0;

	if (found) {
		shift = 10 * (unsigned int)(found - suffixes + 1);
		p++;
		if (*p == 'i' && p[1] == 'B')
			p++;
	}
	if (*p == 'B')
		p++;
	*text = p;
	return shift;
}

at_start int size_parse(const char *text, uint64_t *size)
{
	uint64_t n;
	unsigned int shift;
	int err = digits_parse(&text, &n);

	if (err)
		return err;
	shift = suffix_shift(&text);
	if (*text)
		return -EINVAL;
	if (shift && n > UINT64_MAX >> shift)
		return -ERANGE;
	*size = n << shift;
	return 0;
}

at_start int milli_parse(const char *text, uint64_t *milli)
{
	uint64_t n;
	uint64_t scale = 100;
	int err = digits_parse(&text, &n);

	if (err)
		return err;
	if (n > UINT32_MAX)
		return -ERANGE;
	n *= 1000;
	if (*text == '.') {
		text++;
		for (; *text >= '0' && *text <= '9' && scale; text++, scale /= 10)
			n += (uint64_t)(*text - '0') * scale;
	}
	if (*text)
		return -EINVAL;
	*milli = n;
	return 0;
}

char *size_format(uint64_t size, char *buf, size_t n)
{
	unsigned int unit = 0;
	uint64_t whole = size;
	uint64_t rest = 0;

	while (whole >= 1024 && unit < sizeof(suffixes) - 1) {
		rest = whole & 1023;
		whole >>= 10;
		unit++;
	}
	if (!unit)
		snprintf(buf, n, "%llu", (unsigned long long)whole);
	else if (rest * 10 / 1024)
		snprintf(buf, n, "%llu.%llu%c", (unsigned long long)whole,
			 (unsigned long long)(rest * 10 / 1024), suffixes[unit - 1]);
	else
		snprintf(buf, n, "%llu%c", (unsigned long long)whole, suffixes[unit - 1]);
	return buf;
}
