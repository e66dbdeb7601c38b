/* SPDX-License-Identifier: MIT */
/*
 * Closing ranges of descriptors. The cache's own descriptors may lie in the range: it is split around them,
 * so that the cache survives. (If one is closed nevertheless, the cache notices: it checks the identity of
 * what it uses.)
 */
#include "shim/libc/symbols.h"

#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>

#include "base/sys.h"

#include "shim/files/fd.h"
#include "shim/table/process.h"
#include "shim/libc/procfd.h"
#include "shim/libc/thread.h"

#define OWN_MAX 64 /* more than the cache has in a range; the rest is found in another round */

struct own_fds {
	unsigned int first, last;
	int count;
	unsigned int fd[OWN_MAX]; /* in ascending order */
};

static void own_add(int fd, void *arg)
{
	struct own_fds *own = arg;
	int i = own->count;

	if ((unsigned int)fd < own->first || (unsigned int)fd > own->last || i == OWN_MAX ||
	    !fd_is_own(fd))
		return;
	for (; i && own->fd[i - 1] > (unsigned int)fd; i--)
		own->fd[i] = own->fd[i - 1];
	own->fd[i] = (unsigned int)fd;
	own->count++;
}

static void entry_drop(int fd, struct handle *handle)
{
	(void)handle;
	fd_drop(fd);
}

static void own_find(struct own_fds *own, unsigned int first, unsigned int last)
{
	own->first = first;
	own->last = last;
	own->count = 0;
	/* in a vfork child there is nothing to save: they close on exec anyway */
	if (!thread_is_foreign())
		procfd_each(own_add, own);
}

static int close_around(const struct own_fds *own, int flags)
{
	unsigned int at = own->first;
	int ret = 0;

	for (int i = 0; i < own->count && !ret; i++) {
		if (own->fd[i] > at)
			ret = NEXT(close_range)(at, own->fd[i] - 1, flags);
		at = own->fd[i] + 1;
		/* once is enough, and a second time would undo nothing */
		flags &= ~(int)CLOSE_RANGE_UNSHARE;
	}
	return ret || at > own->last ? ret : NEXT(close_range)(at, own->last, flags);
}

int close_range(unsigned int first, unsigned int last, int flags)
{
	struct own_fds own;

	if (flags & (int)CLOSE_RANGE_UNSHARE && first <= last)
		process_unshare();
	if (first > last || flags & ~(int)CLOSE_RANGE_UNSHARE)
		return NEXT(close_range)(first, last, flags);
	if (first <= INT_MAX)
		fdtab_each((int)first, last, entry_drop);
	own_find(&own, first, last);
	return close_around(&own, flags);
}

static void close_one(int fd, void *arg)
{
	const struct own_fds *own = arg;

	if ((unsigned int)fd >= own->first && !fd_is_own(fd))
		sys_close(fd);
}

void closefrom(int first)
{
	struct own_fds own;

	if (first < 0)
		first = 0;
	fdtab_each(first, FDTAB_LIMIT, entry_drop);
	own_find(&own, (unsigned int)first, UINT_MAX);
	if (!own.count) {
		NEXT(closefrom)(first);
		return;
	}
	/* a kernel without close_range(): one by one */
	if (close_around(&own, 0))
		procfd_each(close_one, &own);
}
