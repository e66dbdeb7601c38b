/* SPDX-License-Identifier: MIT */
/* Writing: the bytes go to the origin as they are; readers are told. */
#include "shim/symbols.h"

#include "shim/announce.h"

ssize_t write(int fd, const void *buf, size_t n)
{
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, fd);
	done = NEXT(write)(fd, buf, n);
	announce_end(&announce);
	return done;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, fd);
	done = NEXT(pwrite)(fd, buf, n, offset);
	announce_end(&announce);
	return done;
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, fd);
	done = NEXT(writev)(fd, iov, count);
	announce_end(&announce);
	return done;
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, fd);
	done = NEXT(pwritev)(fd, iov, count, offset);
	announce_end(&announce);
	return done;
}

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct announce announce;
	ssize_t done;

	announce_begin(&announce, fd);
	done = NEXT(pwritev2)(fd, iov, count, offset, flags);
	announce_end(&announce);
	return done;
}

HOOK_ALIAS(__write, write);
HOOK_ALIAS(pwrite64, pwrite);
HOOK_ALIAS(__pwrite64, pwrite);
HOOK_ALIAS(pwritev64, pwritev);
HOOK_ALIAS(pwritev64v2, pwritev2);
