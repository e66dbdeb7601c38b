/* SPDX-License-Identifier: MIT */
/* A plug-in that makes its system calls itself; with LARGE, one that has much other code: see shim_other.c. */
#include "base/sys.h"

ssize_t plugin_read(int fd, void *buf, size_t n)
{
	return sys_read(fd, buf, n);
}

int plugin_close(int fd)
{
	return sys_close(fd);
}

int plugin_open(const char *path, int flags)
{
	return sys_openat(AT_FDCWD, path, flags, 0);
}

#ifdef LARGE
/* 2 MiB of instructions that do nothing */
__asm__(".pushsection .text\n\t.skip 2097152, 0x90\n\t.popsection");
#endif
