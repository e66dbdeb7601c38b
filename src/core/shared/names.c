/* SPDX-License-Identifier: MIT */
#include "core/shared/names.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/sys.h"

#define NAMES_BYTES (32u << 10) /* what readdir() of glibc asks the kernel for at once */

struct dirent_of_kernel {
	uint64_t inode;
	int64_t next;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

void names_each(const char *dir, const char *prefix,
		void (*look)(int fd, const char *name, void *arg), void *arg)
{
	int fd = sys_openat(AT_FDCWD, dir ? dir : "/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC,
			    0);
	char *names = fd < 0 ? NULL : memory_map(NAMES_BYTES);
	ssize_t n;

	while (names && (n = sys_getdents(fd, names, NAMES_BYTES)) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent_of_kernel *entry = (void *)(names + at);

			if (!strncmp(entry->name, prefix, strlen(prefix)))
				look(fd, entry->name, arg);
			at += entry->bytes;
		}
	}
	if (names)
		memory_unmap(names, NAMES_BYTES);
	if (fd >= 0)
		sys_close(fd);
}
