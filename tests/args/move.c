/* SPDX-License-Identifier: MIT */
/* Transfers inside the kernel: sendfile, splice, tee, copy_file_range. */
#include "args.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

static const enum slot sources[] = { SLOT_READER,  SLOT_READER, SLOT_READER, SLOT_ANOTHER,
				     SLOT_SAME_IN, SLOT_OTHER,	SLOT_OTHER };
static const enum slot sinks[] = { SLOT_PIPE_OUT, SLOT_PIPE_OUT, SLOT_SOCKET_OUT, SLOT_TARGET,
				   SLOT_WRITER };

/* Mostly where something can happen; else anything. */
static void draw_ways(void)
{
	static const long flags[] = { 0, 0, 0, 0, 1, 2, 4, 8, 15, 16, 0x100, -1, 0x80000000 };

	a.in = draw(8) ? sources[draw(sizeof(sources) / sizeof(sources[0]))] :
			 (enum slot)draw(SLOTS);
	a.out = draw(2) ? sinks[draw(sizeof(sinks) / sizeof(sinks[0]))] : (enum slot)draw(SLOTS);
	/* what a pipe takes beyond 16 pages depends on where they begin */
	if ((a.out == SLOT_PIPE_OUT || a.out == SLOT_SOCKET_OUT) && a.n < SSIZE_MAX / 2)
		a.n %= 60000;
	a.flags = DRAW_OF(flags);
	for (int i = 0; i < 2; i++) {
		if (draw(3))
			a.offset[i] = POINTER_NULL;
		else
			a.offset[i] = draw_pointer();
	}
	/* a file of the cache is changed now and then only, see draw_copy() */
	if (a.out == SLOT_SAME_OUT)
		a.out = SLOT_TARGET;
}

static long call_sendfile(struct side *s)
{
	return sendfile(s->fd[a.out], s->fd[a.in], side_offset(s, 0), a.n);
}

static long call_raw_sendfile(struct side *s)
{
	return syscall(SYS_sendfile, s->fd[a.out], s->fd[a.in], side_offset(s, 0), a.n);
}

/* Without SPLICE_F_NONBLOCK our pipes, which nobody reads meanwhile, would still not block. */
static void draw_splice(void)
{
	draw_ways();
	if (draw(3))
		a.out = SLOT_PIPE_OUT;
	if (draw(4))
		a.offset[1] = POINTER_NULL;
}

static long call_splice(struct side *s)
{
	return splice(s->fd[a.in], side_offset(s, 0), s->fd[a.out], side_offset(s, 1), a.n,
		      (unsigned int)a.flags);
}

static long call_raw_splice(struct side *s)
{
	return syscall(SYS_splice, s->fd[a.in], side_offset(s, 0), s->fd[a.out], side_offset(s, 1),
		       a.n, a.flags);
}

static long call_tee(struct side *s)
{
	return tee(s->fd[a.in], s->fd[a.out], a.n, (unsigned int)a.flags);
}

/* Half of them within one file, where the ranges overlap. */
static void draw_copy(void)
{
	static const long flags[] = { 0, 0, 0, 0, 0, 1, 2, -1 };

	draw_ways();
	a.flags = DRAW_OF(flags);
	if (draw(2)) {
		a.in = SLOT_SAME_IN;
		a.out = SLOT_SAME_OUT;
		a.offset[0] = a.offset[1] = POINTER_GOOD;
		a.at[0] = (off_t)draw(FILE_SIZE / 2);
		a.at[1] = a.at[0] + (off_t)draw(1000) - 500;
		a.n = 501 + draw_small();
	} else if (draw(3)) {
		a.out = draw(4) ? SLOT_TARGET : SLOT_APPENDER;
		a.at[1] = draw(4) ? (off_t)draw(FILE_SIZE) : a.at[1];
	}
}

static long call_copy(struct side *s)
{
	return copy_file_range(s->fd[a.in], side_offset(s, 0), s->fd[a.out], side_offset(s, 1), a.n,
			       (unsigned int)a.flags);
}

static long call_raw_copy(struct side *s)
{
	return syscall(SYS_copy_file_range, s->fd[a.in], side_offset(s, 0), s->fd[a.out],
		       side_offset(s, 1), a.n, a.flags);
}

/* To itself, with what was there: the bytes stay, and so nothing has to settle. */
static void draw_own(void)
{
	draw_ways();
	a.in = SLOT_SAME_IN;
	a.out = SLOT_SAME_OUT;
	a.n = draw(2) ? draw(100) : draw_count();
}

/* The writer's position is behind the end, or where the reader's is. */
static long call_sendfile_own(struct side *s)
{
	off_t at = (off_t)(a.value % FILE_SIZE);

	lseek(s->fd[SLOT_SAME_OUT], a.how & 1 ? at : FILE_SIZE - 10, SEEK_SET);
	s->offset[0] = at;
	return sendfile(s->fd[SLOT_SAME_OUT], s->fd[SLOT_SAME_IN], &s->offset[0], a.n % 4096);
}

const struct kind kinds_move[] = {
	{ "sendfile", draw_ways, call_sendfile, 4 },
	{ "syscall(sendfile)", draw_ways, call_raw_sendfile, 1 },
	{ "sendfile to itself", draw_own, call_sendfile_own, 1 },
	{ "splice", draw_splice, call_splice, 4 },
	{ "syscall(splice)", draw_splice, call_raw_splice, 1 },
	{ "tee", draw_ways, call_tee, 1 },
	{ "copy_file_range", draw_copy, call_copy, 5 },
	{ "syscall(copy_file_range)", draw_copy, call_raw_copy, 1 },
	{ 0 },
};
