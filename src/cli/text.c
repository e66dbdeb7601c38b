/* SPDX-License-Identifier: MIT */
#include "cli/text.h"

#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#include "base/compiler.h"
#include "base/size.h"

char *text_bytes(uint64_t bytes, char *buf)
{
	return size_format(bytes, buf, TEXT_LENGTH);
}

/* `value` in the largest unit that leaves something before the point. */
static char *scaled(uint64_t value, const char *const *units, size_t count, char *buf)
{
	size_t unit = 0;
	uint64_t tenths = 0;

	while (value >= 1000 && unit + 1 < count) {
		tenths = value % 1000 / 100;
		value /= 1000;
		unit++;
	}
	if (unit && value < 100 && tenths)
		snprintf(buf, TEXT_LENGTH, "%llu.%llu%s", (unsigned long long)value,
			 (unsigned long long)tenths, units[unit]);
	else
		snprintf(buf, TEXT_LENGTH, "%llu%s", (unsigned long long)value, units[unit]);
	return buf;
}

char *text_count(uint64_t count, char *buf)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };

	return scaled(count, units, ARRAY_SIZE(units), buf);
}

char *text_duration(uint64_t ns, char *buf)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };

	return scaled(ns, units, ARRAY_SIZE(units), buf);
}

char *text_ratio(uint64_t part, uint64_t rest, char *buf)
{
	double whole = (double)part + (double)rest;

	if (part == 0 && rest == 0)
		snprintf(buf, TEXT_LENGTH, "-");
	else if (rest && (double)rest / whole < 0.0005)
		snprintf(buf, TEXT_LENGTH, "99.9%%"); /* 100 is a promise */
	else
		snprintf(buf, TEXT_LENGTH, "%.1f%%", 100.0 * (double)part / whole);
	return buf;
}

char *text_time(uint64_t seconds, char *buf)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(buf, TEXT_LENGTH, "%F %T", &tm))
		snprintf(buf, TEXT_LENGTH, "%llu", (unsigned long long)seconds);
	return buf;
}

/* How many bytes follow the first one, and the smallest value that needs so many. */
static int character_shape(unsigned char c, uint32_t *value, uint32_t *smallest)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	int more = c < 0x80 ? 0 : c >= 0xc0 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : 3;

	if ((c >= 0x80 && c < 0xc0) || c >= 0xf8)
		return -1;
	*value = more ? c & (0x3fu >> more) : c;
	*smallest = least[more];
	return more;
}

size_t text_character(const char *s)
{
	uint32_t value = 0;
	uint32_t smallest = 0;
	int more = character_shape((unsigned char)*s, &value, &smallest);

	if (more < 0 || !*s)
		return 0;
	for (int i = 1; i <= more; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (value < smallest || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	return (size_t)more + 1;
}

void text_locale(void)
{
	static bool taken;

	if (!taken)
		setlocale(LC_CTYPE, "");
	taken = true;
}

void text_clean(char *text)
{
	mbstate_t state = { 0 };
	char *to = text;
	wchar_t wide;
	size_t n;

	for (const char *p = text; *p; p++)
		if (*p & 0x80)
			text_locale();
	for (; *text; text += n) {
		n = mbrtowc(&wide, text, strnlen(text, MB_LEN_MAX), &state);
		if (n <= MB_LEN_MAX && iswprint((wint_t)wide)) {
			memmove(to, text, n);
			to += n;
			continue;
		}
		*to++ = '?';
		if (n > MB_LEN_MAX) { /* no character of the locale: pass one byte */
			state = (mbstate_t){ 0 };
			n = 1;
		}
	}
	*to = '\0';
}
