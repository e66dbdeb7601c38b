/* SPDX-License-Identifier: MIT */
/* fcntl() and ioctl(): the few commands that matter to us; for all others the position is set first. */
#include "shim/libc/symbols.h"

#include <stdarg.h>

#include <linux/fiemap.h>
#include <linux/fs.h>

#include "base/record_locks.h"

#include "shim/files/announce.h"
#include "shim/files/fd.h"
#include "shim/files/look.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"
#include "shim/libc/thread.h"
#include "shim/table/news.h"

static int fcntl_duplicate(int fd, int cmd, void *arg)
{
	struct handle *held = fd_hold_copy(fd);
	int to = NEXT(fcntl)(fd, cmd, arg);

	fd_copied(fd, to, held);
	return to;
}

/* Whether a command that succeeded has granted a lock. */
static bool lock_granted(int cmd, const void *arg)
{
	return (cmd == F_SETLK || cmd == F_SETLKW || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW) &&
	       ((const struct flock *)arg)->l_type != F_UNLCK;
}

static int fcntl_next(int fd, int cmd, void *arg)
{
	bool takes = cmd == F_SETLK || cmd == F_SETLKW;
	int ret;

	if (unlikely(takes))
		record_lock_begin();
	ret = NEXT(fcntl)(fd, cmd, arg);
	if (unlikely(takes))
		record_lock_end();
	return ret;
}

/* Locks may count from the position; see hooks_lock.c. */
static int fcntl_settled(int fd, int cmd, void *arg)
{
	struct handle *lent = fd_lend(fd);
	int ret = fcntl_next(fd, cmd, arg);

	fd_return(lent);
	if (ret >= 0 && lock_granted(cmd, arg))
		look_locked(fd);
	return ret;
}

/* Served descriptors have no O_DIRECT or O_APPEND. */
static int fcntl_flags(int fd, int cmd, void *arg)
{
	bool ends = (intptr_t)arg & (O_DIRECT | O_APPEND);
	struct handle *handle = fdtab_get(fd);
	int ret;

	if (ends && fdtab_is_handle(handle))
		handle_write(handle, fd);
	ends = ends && !fd_is_writer(fd);
	if (ends)
		fd_forget(fd);
	ret = NEXT(fcntl)(fd, cmd, arg);
	if (ends && !ret)
		track_stream(fd, (int)(intptr_t)arg);
	return ret;
}

static int fcntl_tracked(int fd, int cmd, void *arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fcntl_duplicate(fd, cmd, arg);
	case F_SETFL:
		tree_real(fd);
		return fcntl_flags(fd, cmd, arg);
	case F_SETFD:
		/* a vfork child keeps the descriptor through exec */
		if (thread_is_foreign())
			fd_share(fd);
		return NEXT(fcntl)(fd, cmd, arg);
	case F_GETFD:
	case F_GETFL:
		return NEXT(fcntl)(fd, cmd, arg);
	default:
		tree_real(fd);
		return fcntl_settled(fd, cmd, arg);
	}
}

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;
	int ret;

	/* as libc does: commands without an argument ignore it */
	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (unlikely(cmd == F_SETLEASE || cmd == F_NOTIFY))
		news_any(); /* a signal tells of a change */
	if (unlikely(fdtab_get(fd)))
		return fcntl_tracked(fd, cmd, arg);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return fd_new(NEXT(fcntl)(fd, cmd, arg));
	ret = fcntl_next(fd, cmd, arg);
	if (ret >= 0 && lock_granted(cmd, arg))
		news_hear();
	return ret;
}

/* TCGETS2, whose struct no header of libc's has. */
#define TERMINAL_GETS2 _IOC(_IOC_READ, 'T', 0x2a, 44)

/*
 * isatty() and its like: no reason to examine an inherited descriptor. Other requests with the letter of
 * terminals are for all files, and FIONREAD counts from the position.
 */
static bool request_is_terminal(unsigned long request)
{
	return request == TCGETS || request == TIOCGWINSZ || request == TIOCGPGRP ||
	       request == TERMINAL_GETS2;
}

/* Requests that only describe a file, or set what no read sees, do not change it. Any other may. */
static bool request_changes(unsigned long request)
{
	switch (request) {
	case FIONREAD:
	case FIOQSIZE:
	case FIGETBSZ:
	case FIBMAP:
	case FIOCLEX:
	case FIONCLEX:
	case FIONBIO:
	case FIOASYNC:
	case FS_IOC_FIEMAP:
	case FS_IOC_GETFLAGS:
	case FS_IOC_GETVERSION:
	case FS_IOC_FSGETXATTR:
		return false;
	default:
		return true;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	struct announce announce = { .handle = NULL };
	struct handle *lent;
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	/* a clone takes its bytes from the file whose number is the argument */
	if (request == FICLONE)
		tree_real((int)(intptr_t)arg);
	if (request == FICLONERANGE)
		tree_real_all(true);
	/* FIONREAD, TIOCOUTQ and others tell what another process has sent or taken */
	if (likely(!fdtab_get(fd)))
		return (int)news_from(NEXT(ioctl)(fd, request, arg));
	/* a vfork child keeps it through exec */
	if (request == FIONCLEX && thread_is_foreign())
		fd_share(fd);
	if (request_is_terminal(request))
		return NEXT(ioctl)(fd, request, arg);
	tree_real(fd);
	if (request_changes(request))
		announce_begin(&announce, fd);
	lent = fd_lend(fd);
	ret = NEXT(ioctl)(fd, request, arg);
	fd_return(lent);
	announce_end(&announce);
	return ret;
}

HOOK_ALIAS(fcntl64, fcntl);
HOOK_ALIAS(__fcntl, fcntl);
