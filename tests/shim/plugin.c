/* SPDX-License-Identifier: MIT */
/* A plug-in that uses libc's functions, and finds what comes after it: see shim_other.c and shim_next.c. */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

ssize_t plugin_read(int fd, void *buf, size_t n)
{
	return read(fd, buf, n);
}

ssize_t plugin_pread(int fd, void *buf, size_t n, off_t at)
{
	return pread(fd, buf, n, at);
}

int plugin_dup2(int fd, int to)
{
	return dup2(fd, to);
}

int plugin_close(int fd)
{
	return close(fd);
}

int plugin_open(const char *path, int flags)
{
	return open(path, flags);
}

/* A name that the program and the plug-in have. */
int shared_name(void)
{
	return 2;
}

void *plugin_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}
