/* SPDX-License-Identifier: MIT */
/*
 * Random arguments for the calls that the shim hooks. Each call is made twice, on two sets of
 * descriptors that differ only in where their files lie: below a configured directory (side 0), and
 * outside (side 1), where the kernel alone answers. Results, errno, bytes, offsets, positions and
 * signals must be the same.
 *
 * The two sides draw nothing themselves: what is drawn is in `a` before the first one runs.
 */
#ifndef TESTS_ARGS_ARGS_H
#define TESTS_ARGS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define ROOM ((size_t)512 << 10) /* more than the files are long: counts beyond them are harmless */
#define PAGE ((size_t)4096)
#define VECTORS 8
#define FILE_SIZE 300001 /* two chunks of the cache, and no whole page */

/* What stands at a slot; each side has one of each. */
enum slot {
	SLOT_READER,   /* cached */
	SLOT_ANOTHER,  /* the same file once more */
	SLOT_OTHER,    /* another cached file */
	SLOT_SAME_IN,  /* a cached file ... */
	SLOT_SAME_OUT, /* ... and a writer of it */
	SLOT_TARGET,   /* files that are written to: read and write, */
	SLOT_WRITER,   /* for writing only, */
	SLOT_APPENDER, /* for appending, */
	SLOT_FIXED,    /* immutable, where the file system and our rights allow */
	SLOT_FAR,      /* on another file system */
	SLOT_PATH,
	SLOT_DIRECTORY,
	SLOT_NULL,
	SLOT_EVENT,
	SLOT_SEALED,
	SLOT_PIPE_IN, /* is read from */
	SLOT_PIPE_OUT,
	SLOT_SOCKET_IN,
	SLOT_SOCKET_OUT,
	SLOT_CLOSED,
	SLOTS
};

struct map {
	char *at;
	size_t n; /* whole pages */
};

struct side {
	int fd[SLOTS];
	char *room; /* ROOM bytes, and behind them a page that nobody may touch */
	off_t offset[2];
	const off_t *fixed; /* the same in memory that cannot be written to */
};

/* Where a pointer leads. */
enum pointer { POINTER_GOOD, POINTER_NULL, POINTER_LOW, POINTER_HIGH, POINTER_EDGE, POINTER_FIXED };

struct arguments {
	enum slot in, out;
	size_t n, m;
	off_t at[2];
	enum pointer buffer, offset[2];
	long flags, how, command;
	uint64_t value;
	size_t cut[VECTORS];
	int count;
	int bad;      /* which of the vectors */
	bool limited; /* by RLIMIT_FSIZE */
};

extern struct arguments a;
extern char detail[256]; /* what else a kind has to say of itself */

/*
 * A kind of call: what it draws beside the common arguments, and the call. Result and errno as
 * usual.
 */
struct kind {
	const char *name;
	void (*draw)(void);
	long (*call)(struct side *s);
	unsigned int weight;
};

extern const struct kind kinds_read[], kinds_write[], kinds_move[], kinds_map[], kinds_descriptor[],
	kinds_message[]; /* each ends with a NULL name */

/* draw.c: xorshift, and what is drawn from it */
void draw_seed(uint64_t seed);
uint64_t draw(uint64_t below);
size_t draw_count(void);
size_t draw_small(void); /* no more than what there is room for */
off_t draw_offset(void);
enum pointer draw_pointer(void);
long draw_of(const long *values, size_t n);
#define DRAW_OF(values) draw_of(values, sizeof(values) / sizeof((values)[0]))

/* side.c */
int sides_open(const char *cached, const char *plain, const char *far);
void sides_reopen(void); /* some slot, on both sides */
void sides_close(void);
void *side_buffer(struct side *s);
off_t *side_offset(struct side *s, int which);
void side_vectors(struct side *s, struct iovec *iov);

/* main.c: the two sides differ; does not return */
void differ(const char *what, long cached, long plain) __attribute__((noreturn));

extern struct side sides[2];

#endif
