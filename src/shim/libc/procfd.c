/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/libc/procfd.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/decimal.h"
#include "base/sys.h"

#define DIRECTORY "/proc/self/fd/"
#define MISSES 8 /* so many free numbers cost what reading the directory does */

struct dirent_raw {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

ssize_t procfd_path(int fd, char *buf, size_t n)
{
	char link[32] = DIRECTORY;
	ssize_t len;

	*decimal_print(link + strlen(DIRECTORY), (uint32_t)fd) = '\0';
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

/*
 * Since Linux 6.2 the size of the directory is the number of descriptors. If all of them have low numbers,
 * asking for each takes a fraction of the time of reading the directory.
 */
at_start static bool each_low(bool (*visit)(int fd))
{
	struct statx stx;
	uint64_t left;
	int misses = 0;

	if (sys_statx(AT_FDCWD, DIRECTORY, 0, STATX_SIZE, &stx) || !stx.stx_size)
		return false;
	left = stx.stx_size;
	for (int fd = 0; left && misses < MISSES; fd++)
		if (visit(fd))
			left--;
		else
			misses++;
	return !left;
}

static void visit_listed(int fd, void *arg)
{
	bool (**visit)(int fd) = arg;

	(*visit)(fd);
}

at_start int procfd_each_alone(bool (*visit)(int fd))
{
	return each_low(visit) ? 0 : procfd_each(visit_listed, &visit);
}
