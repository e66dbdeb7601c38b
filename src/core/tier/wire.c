/* SPDX-License-Identifier: MIT */
#include "core/tier/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BASE64_KEY 24u /* 16 bytes, with the padding */

static void base64_key(char to[BASE64_KEY + 1], const uint8_t key[WIRE_KEY])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	uint32_t have = 0;
	size_t n = 0;

	for (size_t i = 0; i < WIRE_KEY; i++) {
		bits = bits << 8 | key[i];
		for (have += 8; have >= 6; have -= 6)
			to[n++] = digits[bits >> (have - 6) & 63];
	}
	to[n++] = digits[bits << (6 - have) & 63];
	memset(to + n, '=', BASE64_KEY - n);
	to[BASE64_KEY] = '\0';
}

size_t wire_get(char *to, const uint8_t key[WIRE_KEY], uint32_t opaque, uint32_t lease)
{
	char name[BASE64_KEY + 1];

	base64_key(name, key);
	if (lease)
		return (size_t)snprintf(to, WIRE_COMMAND_MAX, "mg %s b v O%u N%u\r\n", name, opaque,
					lease);
	return (size_t)snprintf(to, WIRE_COMMAND_MAX, "mg %s b v O%u\r\n", name, opaque);
}

size_t wire_ask(char *to, const uint8_t key[WIRE_KEY], uint32_t opaque, uint32_t lease)
{
	char name[BASE64_KEY + 1];

	base64_key(name, key);
	return (size_t)snprintf(to, WIRE_COMMAND_MAX, "mg %s b O%u N%u\r\n", name, opaque, lease);
}

size_t wire_put(char *to, const uint8_t key[WIRE_KEY], uint32_t opaque, uint32_t bytes,
		uint32_t ttl)
{
	char name[BASE64_KEY + 1];

	base64_key(name, key);
	return (size_t)snprintf(to, WIRE_COMMAND_MAX, "ms %s %u b T%u O%u\r\n", name, bytes, ttl,
				opaque);
}

size_t wire_remove(char *to, const uint8_t key[WIRE_KEY], uint32_t opaque)
{
	char name[BASE64_KEY + 1];

	base64_key(name, key);
	return (size_t)snprintf(to, WIRE_COMMAND_MAX, "md %s b O%u\r\n", name, opaque);
}

/* Read a number of at most nine digits that ends at `end`. False: there is none. */
static bool number_read(const char **at, const char *end, uint32_t *number)
{
	const char *from = *at;

	*number = 0;
	while (*at < end && **at >= '0' && **at <= '9' && *at - from < 10)
		*number = *number * 10 + (uint32_t)(*(*at)++ - '0');
	return *at > from && *at - from < 10;
}

/* Read one flag behind a blank. Flags that we did not ask for may be there: they are skipped. */
static bool flag_read(const char **at, const char *end, struct wire_reply *reply)
{
	const char *word = ++*at;

	while (*at < end && **at != ' ')
		++*at;
	if (word == *at)
		return true;
	if (*word == 'W')
		reply->won = true;
	if (*word == 'Z')
		reply->waits = true;
	if (*word != 'O')
		return true;
	word++;
	return number_read(&word, *at, &reply->opaque) && word == *at;
}

static const struct {
	char word[3];
	uint8_t kind;
} words[] = {
	{ "VA", WIRE_VALUE },	   { "EN", WIRE_MISS },	      { "HD", WIRE_STORED },
	{ "NS", WIRE_NOT_STORED }, { "NF", WIRE_NOT_STORED }, { "EX", WIRE_NOT_STORED },
};

static bool line_read(const char *text, const char *end, struct wire_reply *reply)
{
	static const char refusal[] = "SERVER_ERROR";
	const char *at = text + 2;
	size_t i = 0;

	if ((size_t)(end - text) >= sizeof(refusal) - 1 &&
	    !memcmp(text, refusal, sizeof(refusal) - 1)) {
		reply->kind = WIRE_REFUSED;
		return true;
	}
	if (end < at)
		return false;
	while (i < sizeof(words) / sizeof(words[0]) && memcmp(text, words[i].word, 2))
		i++;
	if (i == sizeof(words) / sizeof(words[0]))
		return false;
	reply->kind = words[i].kind;
	if (reply->kind == WIRE_VALUE) {
		if (at == end || *at++ != ' ' || !number_read(&at, end, &reply->bytes) ||
		    reply->bytes > WIRE_VALUE_MAX)
			return false;
	}
	while (at < end)
		if (*at != ' ' || !flag_read(&at, end, reply))
			return false;
	return true;
}

int wire_parse(const char *text, size_t n, struct wire_reply *reply)
{
	const char *end = memchr(text, '\n', n < WIRE_LINE_MAX ? n : WIRE_LINE_MAX);

	memset(reply, 0, sizeof(*reply));
	if (!end)
		return n < WIRE_LINE_MAX ? 0 : -EPROTO;
	if (end == text || end[-1] != '\r' || !line_read(text, end - 1, reply))
		return -EPROTO;
	return (int)(end + 1 - text);
}
