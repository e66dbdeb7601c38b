/* SPDX-License-Identifier: MIT */
/* Random stdio calls in lockstep: what stdio_diff.c and stdio_diff_read.c share. */
#ifndef STDIO_DIFF_H
#define STDIO_DIFF_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ROOM (1 << 17)

struct slot {
	FILE *f[2];
	int scanned; /* scanf() and getw() may read ahead by other steps */
	int pushed;  /* libc's fflush() counts what was pushed back as if it were in the buffer */
	char *own[2];
};

#define BOTH(name, call) \
	do { \
		long r[2]; \
		int e[2]; \
		what = name; \
		for (int i = 0; i < 2; i++) { \
			FILE *f = s->f[i]; \
			char *buf = room[i]; \
			(void)f; \
			(void)buf; \
			errno = 0; \
			r[i] = (long)(call); \
			e[i] = errno; \
		} \
		same("result", r[0], r[1]); \
		same("errno", e[0], e[1]); \
		same("bytes", memcmp(room[0], room[1], ROOM), 0); \
	} while (0)

extern char room[2][ROOM];
extern const char *what;

/* stdio_diff.c */
uint64_t rnd(uint64_t below);
void same(const char *how, long a, long b);
size_t some_size(void);

/* stdio_diff_read.c */
void do_line(struct slot *s);
void do_scan(struct slot *s);
void do_chars(struct slot *s);
void do_read(struct slot *s);

#endif
