/* SPDX-License-Identifier: MIT */
/* fcntl() and ioctl(): the few commands that matter to us, and a settled position for all. */
#include "shim/symbols.h"

#include <stdarg.h>

#include "shim/announce.h"
#include "shim/fd.h"
#include "shim/thread.h"

static int fcntl_duplicate(int fd, int cmd, void *arg)
{
	struct handle *held = fd_hold_copy(fd);
	int to = NEXT(fcntl)(fd, cmd, arg);

	fd_copied(fd, to, held);
	return to;
}

/* Locks may count from the position. */
static int fcntl_settled(int fd, int cmd, void *arg)
{
	struct handle *lent = fd_lend(fd);
	int ret = NEXT(fcntl)(fd, cmd, arg);

	fd_return(lent);
	return ret;
}

static int fcntl_tracked(int fd, int cmd, void *arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fcntl_duplicate(fd, cmd, arg);
	case F_SETFL:
		/* served descriptors have no O_DIRECT or O_APPEND */
		if ((intptr_t)arg & (O_DIRECT | O_APPEND) && !fd_is_writer(fd))
			fd_forget(fd);
		return NEXT(fcntl)(fd, cmd, arg);
	case F_SETFD:
		/* a vfork child keeps it through exec */
		if (thread_is_foreign())
			fd_share(fd);
		return NEXT(fcntl)(fd, cmd, arg);
	case F_GETFD:
	case F_GETFL:
		return NEXT(fcntl)(fd, cmd, arg);
	default:
		return fcntl_settled(fd, cmd, arg);
	}
}

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	/* as libc does: whatever lies there, commands without an argument ignore it */
	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (unlikely(fdtab_get(fd)))
		return fcntl_tracked(fd, cmd, arg);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return fd_new(NEXT(fcntl)(fd, cmd, arg));
	return NEXT(fcntl)(fd, cmd, arg);
}

/* Locks from the position on. */
int lockf(int fd, int cmd, off_t n)
{
	struct handle *lent = fd_lend(fd);
	int ret = NEXT(lockf)(fd, cmd, n);

	fd_return(lent);
	return ret;
}

/* isatty() and its like: no reason to find out what an inherited descriptor is. */
static bool request_is_terminal(unsigned long request)
{
	return (request >> 8 & 0xff) == 'T';
}

int ioctl(int fd, unsigned long request, ...)
{
	struct announce announce;
	struct handle *lent;
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (likely(!fdtab_get(fd)))
		return NEXT(ioctl)(fd, request, arg);
	/* a vfork child keeps it through exec */
	if (request == FIONCLEX && thread_is_foreign())
		fd_share(fd);
	if (request_is_terminal(request))
		return NEXT(ioctl)(fd, request, arg);
	announce_begin(&announce, fd);
	lent = fd_lend(fd);
	ret = NEXT(ioctl)(fd, request, arg);
	fd_return(lent);
	announce_end(&announce);
	return ret;
}

HOOK_ALIAS(fcntl64, fcntl);
HOOK_ALIAS(lockf64, lockf);
HOOK_ALIAS(__fcntl, fcntl);
