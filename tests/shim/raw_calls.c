/* SPDX-License-Identifier: MIT */
/*
 * System calls of a library's own, which nobody sees: see shim_update.c. In the program itself their instructions
 * would be a sign, after which what is open for writing is not served.
 */
#include "base/sys.h"

ssize_t raw_pread(int fd, void *buf, size_t n, uint64_t at)
{
	return sys_pread(fd, buf, n, at);
}

ssize_t raw_pwrite(int fd, const void *buf, size_t n, uint64_t at)
{
	return sys_pwrite(fd, buf, n, at);
}

int64_t raw_lseek(int fd, int64_t offset, int whence)
{
	return sys_lseek(fd, offset, whence);
}

int raw_open(const char *path, int flags)
{
	return sys_openat(AT_FDCWD, path, flags, 0);
}

ssize_t raw_recvmsg(int fd, void *message, int flags)
{
	return SYS_CALL(__NR_recvmsg, fd, message, flags, 0, 0, 0);
}
