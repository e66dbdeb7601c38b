/* SPDX-License-Identifier: MIT */
/* Descriptors: duplicates, flags, requests, locks, advice; and processes that are not made. */
#include "args.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/openat2.h>

/* A descriptor is an error, or as good as any other. */
static long ended(int fd)
{
	if (fd < 0)
		return -1;
	close(fd);
	errno = 0;
	return 0;
}

static long call_dup(struct side *s)
{
	return ended(dup(s->fd[a.in]));
}

static void draw_dup3(void)
{
	static const long flags[] = { 0, O_CLOEXEC, 1, -1 };
	static const long to[] = { 500, 501, -1, 1 << 30 };

	a.flags = DRAW_OF(flags);
	a.how = DRAW_OF(to);
}

static long call_dup2(struct side *s)
{
	return ended(dup2(s->fd[a.in], (int)a.how));
}

static long call_dup3(struct side *s)
{
	return ended(dup3(s->fd[a.in], (int)a.how, (int)a.flags));
}

static long call_dup_same(struct side *s)
{
	int fd = s->fd[a.in];

	return (a.how & 1 ? dup3(fd, fd, 0) : dup2(fd, fd)) == fd ? 0 : -1;
}

static void draw_close(void)
{
	static const long flags[] = { 0, 2, 4, 1, 8, -1 };

	a.flags = DRAW_OF(flags);
	a.how = (long)draw(4);
}

/* Of descriptors that nobody has, and of one that is made for it. */
static long call_close(struct side *s)
{
	int fd = dup(s->fd[a.in]);

	switch (a.how) {
	case 0:
		return fd < 0 ? close(-1) : close(fd);
	case 1:
		close(fd);
		return close_range(900, a.value & 1 ? 990 : 10, (int)a.flags & ~2);
	case 2:
		close(fd);
		return close((int)a.n | 1 << 20);
	default:
		if (fd < 0)
			return -1;
		return close_range((unsigned int)fd, (unsigned int)fd, 0);
	}
}

/* Of these there is one inode for both sides: locks would be in each other's way. */
static void draw_lockable(void)
{
	if (a.in == SLOT_NULL || a.in == SLOT_EVENT)
		a.in = SLOT_READER;
}

static void draw_fcntl(void)
{
	static const long commands[] = { F_DUPFD,
					 F_DUPFD_CLOEXEC,
					 F_GETFD,
					 F_SETFD,
					 F_GETFL,
					 F_SETFL,
					 F_GETLK,
					 F_SETLK,
					 F_GETLK,
					 F_SETLK,
					 F_OFD_GETLK,
					 F_OFD_SETLK,
					 F_GETOWN,
					 F_GETSIG,
					 F_SETSIG,
					 F_GETLEASE,
					 F_GETPIPE_SZ,
					 F_ADD_SEALS,
					 F_GET_SEALS,
					 F_GETOWN_EX,
					 1035 /* get rw hint */,
					 1037,
					 99,
					 -1,
					 F_NOTIFY };

	a.command = DRAW_OF(commands);
	a.value = draw(40) ? draw(64) : (uint64_t)-1;
	a.how = (long)draw(5) - 1;
	a.flags = (long)draw(4);
	draw_lockable();
}

static long fcntl_flags(int fd)
{
	static const int flags[] = { 0, O_NONBLOCK, O_NOATIME, O_NONBLOCK | O_NOATIME };
	int before = fcntl(fd, F_GETFL);
	long ret;

	if (before < 0)
		return -1;
	ret = fcntl(fd, F_SETFL, flags[a.flags] | (before & (O_APPEND | O_NONBLOCK)));
	return ret;
}

static long fcntl_lock(struct side *s)
{
	struct flock *lock = (struct flock *)s->room;
	long ret;

	memset(lock, 0, sizeof(*lock));
	lock->l_type = (short)a.how;
	lock->l_whence = (short)a.flags;
	lock->l_start = a.at[0];
	lock->l_len = a.at[1];
	lock->l_pid = (pid_t)(a.value & 1);
	ret = fcntl(s->fd[a.in], (int)a.command, a.buffer == POINTER_GOOD ? lock : side_buffer(s));
	return ret;
}

static long call_fcntl(struct side *s)
{
	int fd = s->fd[a.in];

	switch (a.command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return ended(fcntl(fd, (int)a.command, (long)a.value));
	case F_SETFL:
		return fcntl_flags(fd);
	case F_GETLK:
	case F_SETLK:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
		return fcntl_lock(s);
	case F_GETOWN_EX:
	case 1035:
	case 1037:
		return fcntl(fd, (int)a.command, side_buffer(s));
	default:
		return fcntl(fd, (int)a.command, (long)a.value);
	}
}

static void draw_ioctl(void)
{
	static const long requests[] = { FIONREAD,   FIONREAD,	FIONREAD,	FIONBIO,
					 FIOCLEX,    FIONCLEX,	FIGETBSZ,	TCGETS,
					 TIOCGWINSZ, TIOCGPGRP, TIOCSCTTY,	TIOCOUTQ,
					 TIOCSPGRP,  TIOCNOTTY, BLKGETSIZE64,	FS_IOC_GETFLAGS,
					 0,	     -1,	'T' << 8 | 0xff };

	a.command = DRAW_OF(requests);
}

/* FIONBIO finds a 1 there: who waits for a pipe of ours waits for ever. */
static void *request_argument(struct side *s)
{
	memcpy(s->room, &(int){ 1 }, sizeof(int));
	return a.command == FIONBIO && a.buffer == POINTER_EDGE ? s->room : side_buffer(s);
}

static long call_ioctl(struct side *s)
{
	return ioctl(s->fd[a.in], (unsigned long)a.command, request_argument(s));
}

static long call_raw_ioctl(struct side *s)
{
	return syscall(SYS_ioctl, s->fd[a.in], a.command, request_argument(s));
}

static void draw_lock(void)
{
	static const long commands[] = { F_TEST, F_TLOCK, F_ULOCK, 9, -1 };
	static const long operations[] = {
		LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB, LOCK_UN, 0, 77, -1
	};

	a.command = DRAW_OF(commands);
	a.how = DRAW_OF(operations);
	draw_lockable();
}

static long call_lockf(struct side *s)
{
	return lockf(s->fd[a.in], (int)a.command, a.at[0]);
}

/* A lock of a descriptor that was in a message ends a moment after its socket was closed. */
static long call_flock(struct side *s)
{
	long ret = flock(s->fd[a.in], (int)a.how);

	if (!ret || errno != EAGAIN)
		return ret;
	usleep(20000);
	errno = 0;
	return flock(s->fd[a.in], (int)a.how);
}

static void draw_advice(void)
{
	static const long advice[] = { 0, 1, 2, 3, 4, 5, 6, 7, 100, -1 };

	a.how = DRAW_OF(advice);
}

static long call_fadvise(struct side *s)
{
	return posix_fadvise(s->fd[a.in], a.at[0], a.at[1], (int)a.how);
}

static long call_readahead(struct side *s)
{
	return readahead(s->fd[a.in], a.at[0], a.n);
}

static void draw_open(void)
{
	static const long flags[] = { O_RDONLY,
				      O_RDONLY | O_CLOEXEC,
				      O_RDWR,
				      O_WRONLY,
				      O_RDONLY | O_APPEND,
				      O_PATH,
				      O_DIRECTORY,
				      O_CREAT | O_EXCL,
				      O_NOFOLLOW,
				      O_RDONLY | O_DIRECT,
				      O_ACCMODE,
				      O_TMPFILE,
				      O_RDONLY | O_SYNC,
				      -1,
				      O_NOATIME };

	a.flags = DRAW_OF(flags);
	a.how = (long)draw(4);
}

/*
 * By the link of a descriptor, by openat2() with odd arguments, below a descriptor that is no
 * directory.
 */
static long call_open(struct side *s)
{
	char path[40] = "/proc/self/fd/00000";
	struct open_how how = { .flags = (uint64_t)a.flags, .resolve = a.value & 0x1f };
	int fd = s->fd[a.in];

	for (size_t i = strlen(path) - 1, n = (unsigned int)fd % 100000; path[i] == '0';
	     i--, n /= 10)
		path[i] = (char)('0' + n % 10);
	/* 00012 is no number there */
	memmove(path + 14, path + 14 + strspn(path + 14, "0"), 6);
	switch (a.how) {
	case 0:
		return ended(openat(fd, "one", (int)a.flags & ~O_CREAT));
	case 1:
		return ended((int)syscall(SYS_openat2, AT_FDCWD, path, &how, a.n));
	case 2:
		return ended(
			(int)syscall(SYS_openat2, AT_FDCWD, path, side_buffer(s), sizeof(how)));
	default:
		return ended(
			open(a.value & 8 ? path : (char *)8, (int)a.flags & ~(O_CREAT | O_TRUNC)));
	}
}

static void draw_process(void)
{
	static const long sizes[] = { 0, 8, 63, 64, 88, 5000 };

	a.n = (size_t)DRAW_OF(sizes);
	a.how = (long)draw(4);
	if (a.buffer == POINTER_GOOD || a.buffer == POINTER_FIXED)
		a.buffer = POINTER_LOW;
}

/* What makes no process, because the arguments are bad. */
static long call_process(struct side *s)
{
	switch (a.how) {
	case 0:
		return syscall(SYS_clone3, side_buffer(s), a.n);
	case 1:
		return syscall(SYS_execve, side_buffer(s), NULL, NULL);
	case 2:
		return syscall(SYS_execveat, s->fd[a.in], "", side_buffer(s), NULL, 0);
	default:
		return syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0);
	}
}

const struct kind kinds_descriptor[] = {
	{ "dup", NULL, call_dup, 1 },
	{ "dup2", draw_dup3, call_dup2, 1 },
	{ "dup3", draw_dup3, call_dup3, 1 },
	{ "dup2 to itself", draw_dup3, call_dup_same, 1 },
	{ "close", draw_close, call_close, 1 },
	{ "fcntl", draw_fcntl, call_fcntl, 4 },
	{ "ioctl", draw_ioctl, call_ioctl, 3 },
	{ "syscall(ioctl)", draw_ioctl, call_raw_ioctl, 1 },
	{ "lockf", draw_lock, call_lockf, 1 },
	{ "flock", draw_lock, call_flock, 1 },
	{ "posix_fadvise", draw_advice, call_fadvise, 2 },
	{ "readahead", NULL, call_readahead, 1 },
	{ "open", draw_open, call_open, 2 },
	{ "no process", draw_process, call_process, 1 },
	{ 0 },
};
