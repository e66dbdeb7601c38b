/* SPDX-License-Identifier: MIT */
/* Reads and seeks, by function and by syscall(). */
#include "args.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All but RWF_NOWAIT (8): what is in the page cache is not the same on both sides. */
static const long read_flags[] = { 0,	 0,    0,    1,	    2,	   4,	       0x10,
				   0x20, 0x40, 0x80, 0x100, 0x400, 0x40000000, -9 };
static const long counts[] = { 0, 1, 2, VECTORS, -1, 1025, 0x7fffffff };

static void draw_vectors(void)
{
	for (int i = 0; i < VECTORS; i++)
		a.cut[i] = draw(12) ? draw_small() % (ROOM / VECTORS) : draw_count();
	a.count = draw(4) ? 1 + (int)draw(VECTORS) : (int)DRAW_OF(counts);
	a.bad = (int)draw(VECTORS);
	a.flags = DRAW_OF(read_flags);
	a.how = (long)draw(8);
}

/* The list itself lies at a bad address now and then. */
static const struct iovec *vectors(struct side *s, struct iovec *iov)
{
	side_vectors(s, iov);
	return a.how ? iov : side_buffer(s);
}

/*
 * A list that is longer than ours is refused before it is read; one that would not be is none of
 * ours.
 */
static int vector_count(void)
{
	return a.count > VECTORS && a.count <= 1024 ? VECTORS : a.count;
}

static void draw_seek(void)
{
	static const long whences[] = { SEEK_SET,  SEEK_CUR, SEEK_END, SEEK_DATA,
					SEEK_HOLE, 5,	     77,       -1 };

	a.how = DRAW_OF(whences);
}

static long call_read(struct side *s)
{
	return read(s->fd[a.in], side_buffer(s), a.n);
}

static long call_pread(struct side *s)
{
	return pread(s->fd[a.in], side_buffer(s), a.n, a.at[0]);
}

static long call_readv(struct side *s)
{
	struct iovec iov[VECTORS];

	return readv(s->fd[a.in], vectors(s, iov), vector_count());
}

static long call_preadv(struct side *s)
{
	struct iovec iov[VECTORS];

	return preadv(s->fd[a.in], vectors(s, iov), vector_count(), a.at[0]);
}

static long call_preadv2(struct side *s)
{
	struct iovec iov[VECTORS];

	return preadv2(s->fd[a.in], vectors(s, iov), vector_count(), a.at[0], (int)a.flags);
}

static long call_lseek(struct side *s)
{
	return lseek(s->fd[a.in], a.at[0], (int)a.how);
}

static long call_raw_read(struct side *s)
{
	return syscall(SYS_read, s->fd[a.in], side_buffer(s), a.n);
}

static long call_raw_pread(struct side *s)
{
	return syscall(SYS_pread64, s->fd[a.in], side_buffer(s), a.n, a.at[0]);
}

static long call_raw_preadv2(struct side *s)
{
	struct iovec iov[VECTORS];

	return syscall(SYS_preadv2, s->fd[a.in], vectors(s, iov), vector_count(), a.at[0], 0L,
		       a.flags);
}

static long call_raw_lseek(struct side *s)
{
	return syscall(SYS_lseek, s->fd[a.in], a.at[0], a.how);
}

/* A stream on a duplicate: what it buffers moves the position that both have. */
static long call_stream(struct side *s)
{
	int fd = dup(s->fd[a.in]);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	size_t n = a.n % 9000;
	size_t got;

	if (!f)
		return -1;
	if (a.how & 1)
		fseeko(f, a.at[0], SEEK_CUR);
	got = fread(s->room, 1, n, f);
	fclose(f);
	errno = 0;
	return (long)got;
}

const struct kind kinds_read[] = {
	{ "read", NULL, call_read, 4 },
	{ "pread", NULL, call_pread, 4 },
	{ "readv", draw_vectors, call_readv, 2 },
	{ "preadv", draw_vectors, call_preadv, 2 },
	{ "preadv2", draw_vectors, call_preadv2, 2 },
	{ "lseek", draw_seek, call_lseek, 6 },
	{ "syscall(read)", NULL, call_raw_read, 1 },
	{ "syscall(pread64)", NULL, call_raw_pread, 1 },
	{ "syscall(preadv2)", draw_vectors, call_raw_preadv2, 1 },
	{ "syscall(lseek)", draw_seek, call_raw_lseek, 1 },
	{ "fread", NULL, call_stream, 1 },
	{ 0 },
};
