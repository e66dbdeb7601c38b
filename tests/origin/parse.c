/* SPDX-License-Identifier: MIT */
/* Numbers and names as people write them, in options and in commands. */
#define _GNU_SOURCE 1
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Anything longer is a mistake in the unit. */
#define SECONDS_MAX 1e6
/* Errors end here; above are numbers that only the kernel uses. */
#define ERRNO_MAX 134

static int parse_digits(const char *text, char **end, uint64_t *value)
{
	/* strtoull() would take a sign and white space. */
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, end, 10);
	return errno ? -EINVAL : 0;
}

int parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned int shift = 0;
	uint64_t value;
	char *end;

	if (parse_digits(text, &end, &value))
		return -EINVAL;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (value > (UINT64_MAX >> shift))
		return -EINVAL;
	*bytes = value << shift;
	return 0;
}

int parse_count(const char *text, uint64_t *count)
{
	uint64_t value;
	char *end;

	if (parse_digits(text, &end, &value) || *end)
		return -EINVAL;
	*count = value;
	return 0;
}

int parse_seconds(const char *text, double *seconds)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value) || value < 0 || value > SECONDS_MAX)
		return -EINVAL;
	*seconds = value;
	return 0;
}

int parse_clock(const char *text, int64_t *seconds)
{
	uint64_t value;

	if (parse_count(*text == '-' ? text + 1 : text, &value) || value > SECONDS_MAX)
		return -EINVAL;
	*seconds = *text == '-' ? -(int64_t)value : (int64_t)value;
	return 0;
}

int parse_ms(const char *text, int64_t *ns)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (end == text || *end || !isfinite(value) || value < 0 || value > SECONDS_MAX * 1e3)
		return -EINVAL;
	*ns = (int64_t)(value * 1e6);
	return 0;
}

int parse_errno(const char *text, int *err)
{
	for (int e = 1; e < ERRNO_MAX; e++) {
		const char *name = strerrorname_np(e);

		if (!name || strcmp(name, text))
			continue;
		*err = e;
		return 0;
	}
	return -EINVAL;
}
