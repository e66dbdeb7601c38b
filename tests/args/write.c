/* SPDX-License-Identifier: MIT */
/*
 * Writes and sizes. Targets are never those files that are read from the cache, see draw_target().
 */
#include "args.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/falloc.h>

static const enum slot targets[] = { SLOT_TARGET, SLOT_TARGET,	 SLOT_TARGET, SLOT_WRITER,
				     SLOT_READER, SLOT_APPENDER, SLOT_FIXED,  SLOT_FAR,
				     SLOT_PATH,	  SLOT_NULL,	 SLOT_SEALED, SLOT_PIPE_OUT,
				     SLOT_CLOSED, SLOT_DIRECTORY };

static void draw_target(void)
{
	static const long flags[] = { 0, 0, 0, 1, 2, 4, 0x10, 0x20, 0x40, 0x100, 0x40000000 };

	a.out = targets[draw(sizeof(targets) / sizeof(targets[0]))];
	a.n = draw_small();
	if (draw(2))
		a.at[0] = (off_t)draw(FILE_SIZE);
	/* more would fill the disk */
	if (a.at[0] > 2 * FILE_SIZE && a.at[0] < ((off_t)1 << 48))
		a.at[0] = FILE_SIZE;
	a.flags = DRAW_OF(flags);
	for (int i = 0; i < VECTORS; i++)
		a.cut[i] = draw(2000);
	a.count = (int)draw(VECTORS + 1) - (int)!draw(20);
	a.bad = (int)draw(VECTORS);
}

static long call_write(struct side *s)
{
	return write(s->fd[a.out], side_buffer(s), a.n);
}

static long call_pwrite(struct side *s)
{
	return pwrite(s->fd[a.out], side_buffer(s), a.n, a.at[0]);
}

static long call_writev(struct side *s)
{
	struct iovec iov[VECTORS];

	side_vectors(s, iov);
	return writev(s->fd[a.out], iov, a.count);
}

static long call_pwritev(struct side *s)
{
	struct iovec iov[VECTORS];

	side_vectors(s, iov);
	return pwritev(s->fd[a.out], iov, a.count, a.at[0]);
}

static long call_pwritev2(struct side *s)
{
	struct iovec iov[VECTORS];

	side_vectors(s, iov);
	return pwritev2(s->fd[a.out], iov, a.count, a.at[0], (int)a.flags);
}

static void draw_length(void)
{
	draw_target();
	a.n = draw(8) ? draw(2 * FILE_SIZE) : (size_t) - (long)draw(3);
	a.how = (long)draw(5) ? 0 : (long)draw(16) << draw(8);
	/*
	 * these move what lies behind, in whole blocks, or change what is allocated beyond the end
	 */
	a.how &= ~(long)(FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE);
}

static long call_ftruncate(struct side *s)
{
	return ftruncate(s->fd[a.out], (off_t)a.n);
}

static long call_fallocate(struct side *s)
{
	return fallocate(s->fd[a.out], (int)a.how, a.at[0], (off_t)a.n);
}

static long call_posix_fallocate(struct side *s)
{
	return posix_fallocate(s->fd[a.out], a.at[0], (off_t)a.n);
}

static long call_fsync(struct side *s)
{
	return a.how & 1 ? fdatasync(s->fd[a.in]) : fsync(s->fd[a.in]);
}

const struct kind kinds_write[] = {
	{ "write", draw_target, call_write, 2 },
	{ "pwrite", draw_target, call_pwrite, 2 },
	{ "writev", draw_target, call_writev, 1 },
	{ "pwritev", draw_target, call_pwritev, 1 },
	{ "pwritev2", draw_target, call_pwritev2, 1 },
	{ "ftruncate", draw_length, call_ftruncate, 1 },
	{ "fallocate", draw_length, call_fallocate, 1 },
	{ "posix_fallocate", draw_length, call_posix_fallocate, 1 },
	{ "fsync", NULL, call_fsync, 1 },
	{ 0 },
};
