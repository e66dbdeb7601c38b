/* SPDX-License-Identifier: MIT */
/*
 * Writing. To files, the bytes go to the origin as they are, and readers are told. To sockets, bytes that
 * came from the cache are sent out of the image: elide.h.
 */
#include "shim/libc/symbols.h"

#include "shim/files/announce.h"
#include "shim/serve/elide.h"

ssize_t write(int fd, const void *buf, size_t n)
{
	ssize_t done;

	if (elide_buffer(fd, buf, n, 0, &done))
		return done;
	return ANNOUNCED(fd, NEXT(write)(fd, buf, n));
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	return ANNOUNCED(fd, NEXT(pwrite)(fd, buf, n, offset));
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	ssize_t done;

	if (elide_vector(fd, iov, (size_t)count, 0, &done))
		return done;
	return ANNOUNCED(fd, NEXT(writev)(fd, iov, count));
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	return ANNOUNCED(fd, NEXT(pwritev)(fd, iov, count, offset));
}

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return ANNOUNCED(fd, NEXT(pwritev2)(fd, iov, count, offset, flags));
}

/* These functions write inside libc. */

int vdprintf(int fd, const char *format, va_list ap)
{
	return ANNOUNCED(fd, NEXT(vdprintf)(fd, format, ap));
}

int dprintf(int fd, const char *format, ...)
{
	va_list ap;
	int done;

	va_start(ap, format);
	done = vdprintf(fd, format, ap);
	va_end(ap);
	return done;
}

int __vdprintf_chk(int fd, int flag, const char *format, va_list ap)
{
	return ANNOUNCED(fd, NEXT(__vdprintf_chk)(fd, flag, format, ap));
}

int __dprintf_chk(int fd, int flag, const char *format, ...)
{
	va_list ap;
	int done;

	va_start(ap, format);
	done = __vdprintf_chk(fd, flag, format, ap);
	va_end(ap);
	return done;
}

void backtrace_symbols_fd(void *const *addresses, int count, int fd)
{
	struct announce announce;

	announce_begin(&announce, fd);
	NEXT(backtrace_symbols_fd)(addresses, count, fd);
	announce_end(&announce);
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	ssize_t done;

	return elide_buffer(fd, buf, n, flags, &done) ? done : NEXT(send)(fd, buf, n, flags);
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG address,
	       socklen_t length)
{
	ssize_t done;

	if (!address.__sockaddr__ && elide_buffer(fd, buf, n, flags, &done))
		return done;
	return NEXT(sendto)(fd, buf, n, flags, address, length);
}

HOOK_ALIAS(__write, write);
HOOK_ALIAS(__send, send);
HOOK_ALIAS(__backtrace_symbols_fd, backtrace_symbols_fd);
HOOK_ALIAS(pwrite64, pwrite);
HOOK_ALIAS(__pwrite64, pwrite);
HOOK_ALIAS(pwritev64, pwritev);
HOOK_ALIAS(pwritev64v2, pwritev2);
