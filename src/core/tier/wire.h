/* SPDX-License-Identifier: MIT */
/*
 * The words of memcached's meta protocol: commands are written, lines of answers parsed. Nothing else
 * happens here: no memory but the caller's, no clock, no system call. What a server sends may be hostile.
 */
#ifndef CORE_TIER_WIRE_H
#define CORE_TIER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_KEY 16u	     /* bytes; the servers store keys in binary */
#define WIRE_COMMAND_MAX 96u /* the longest one has a key of 24 bytes and three numbers */
#define WIRE_LINE_MAX 256u   /* a longer line is no answer to our commands */
#define WIRE_VALUE_MAX ((256u << 10) + 64u) /* a chunk, and what sealing adds: SEAL_MORE */

enum wire_kind {
	WIRE_VALUE,	 /* VA: `bytes` of it and a line end follow */
	WIRE_MISS,	 /* EN */
	WIRE_STORED,	 /* HD: also "removed" */
	WIRE_NOT_STORED, /* NS, EX, NF: also "was not there" */
	WIRE_REFUSED, /* SERVER_ERROR: too large, or no memory; it does not say for which command */
};

struct wire_reply {
	enum wire_kind kind;
	uint32_t bytes;
	uint32_t opaque; /* 0: none */
	bool won;	 /* we must fetch it: others are told to wait */
	bool waits;	 /* another machine fetches it */
};

/* Each function writes at most WIRE_COMMAND_MAX bytes and returns their number. */
size_t wire_get(char *to, const uint8_t key[WIRE_KEY], uint32_t opaque, uint32_t lease);
/* Whether it is there, without its value. */
size_t wire_ask(char *to, const uint8_t key[WIRE_KEY], uint32_t opaque, uint32_t lease);
size_t wire_put(char *to, const uint8_t key[WIRE_KEY], uint32_t opaque, uint32_t bytes,
		uint32_t ttl);
size_t wire_remove(char *to, const uint8_t key[WIRE_KEY], uint32_t opaque);

/*
 * Parse the first line of `text`. Returns its length with the line end; 0: more is needed; -EPROTO: it is
 * no answer to these commands.
 */
int wire_parse(const char *text, size_t n, struct wire_reply *reply);

#endif
