/* SPDX-License-Identifier: MIT */
#include "core/origin/fd_import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fdpath.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "core/origin/file.h"

int fd_import(const struct file *file, int pidfd, int fd)
{
	int got = pidfd < 0 ? -ENOSYS : unusual_pidfd_getfd(pidfd, fd);

	if (got < 0 || file_unchanged(file, got))
		return got;
	sys_close(got);
	return -ESTALE;
}

/* Through O_PATH, which has no side effect on whatever file the program's descriptor has become meanwhile. */
int fd_import_anew(const struct file *file, int fd, int flags)
{
	char path[FDPATH_BYTES];
	int at;
	int got = -ESTALE;

	fdpath(path, fd);
	at = sys_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
	if (at < 0)
		return at;
	fdpath_thread(path, at);
	if (file_unchanged(file, at))
		got = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_CLOEXEC | flags, 0);
	sys_close(at);
	return got;
}
