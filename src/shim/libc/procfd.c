/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/libc/procfd.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/sys.h"

#define DIRECTORY "/proc/self/fd/"
#define LOW 64 /* bits of a word */

struct dirent_raw {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

static void decimal(char *p, unsigned int n)
{
	char digits[12];
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while (n /= 10);
	while (i)
		*p++ = digits[--i];
	*p = '\0';
}

ssize_t procfd_path(int fd, char *buf, size_t n)
{
	char link[32] = DIRECTORY;
	ssize_t len;

	decimal(link + strlen(DIRECTORY), (unsigned int)fd);
	buf[0] = '\0';
	len = sys_readlinkat(AT_FDCWD, link, buf, n);
	if (len < 0)
		return len;
	if ((size_t)len >= n)
		return -ENAMETOOLONG;
	buf[len] = '\0';
	/* "pipe:[123]", "(unreachable)/..." */
	return buf[0] == '/' ? len : -ENOENT;
}

/* The number that `name` spells, or -1. */
static int fd_number_of(const char *name)
{
	int n = 0;

	if (*name < '0' || *name > '9')
		return -1;
	for (; *name >= '0' && *name <= '9'; name++) {
		if (n > (INT_MAX - 9) / 10)
			return -1;
		n = n * 10 + (*name - '0');
	}
	return n;
}

/*
 * Since Linux 6.2 the size of the directory is the number of descriptors. If all of them have low numbers,
 * asking for each takes a fraction of the time of reading the directory.
 */
static bool each_low(void (*visit)(int fd, void *arg), void *arg)
{
	struct statx stx;
	uint64_t open = 0;
	uint64_t left;

	if (sys_statx(AT_FDCWD, DIRECTORY, 0, STATX_SIZE, &stx) || !stx.stx_size)
		return false;
	left = stx.stx_size;
	for (int fd = 0; fd < LOW && left; fd++)
		if (sys_fcntl(fd, F_GETFD, 0) >= 0) {
			open |= UINT64_C(1) << fd;
			left--;
		}
	for (int fd = 0; fd < LOW && !left; fd++)
		if (open >> fd & 1)
			visit(fd, arg);
	return !left;
}

int procfd_each_alone(void (*visit)(int fd, void *arg), void *arg)
{
	return each_low(visit, arg) ? 0 : procfd_each(visit, arg);
}

int procfd_each(void (*visit)(int fd, void *arg), void *arg)
{
	uint64_t buf[256];
	int dir = sys_openat(AT_FDCWD, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	ssize_t n;

	if (dir < 0)
		return dir;
	while ((n = sys_getdents(dir, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent_raw *entry = (void *)((char *)buf + at);
			int fd = fd_number_of(entry->name);

			if (fd >= 0 && fd != dir)
				visit(fd, arg);
			at += entry->length;
		}
	}
	sys_close(dir);
	return (int)n;
}
