/* SPDX-License-Identifier: MIT */
/*
 * Import an origin file that the program has open into a thread with a descriptor table of its own. A
 * duplicate in the program's table would not do: closing it would drop the program's POSIX locks.
 */
#ifndef CORE_FD_IMPORT_H
#define CORE_FD_IMPORT_H

struct file;

/*
 * Import the program's own description at its descriptor `fd`; `pidfd` is of this process, or -errno.
 * Returns a descriptor in the calling thread's table, or -errno: -EPERM and -ENOSYS where a container or an
 * old kernel forbids it; -ESTALE: `fd` is not the file, or it changed.
 */
int fd_import(const struct file *file, int pidfd, int fd);

/* Open the file anew for reading, with `flags` and with the permissions that the process has now. */
int fd_import_anew(const struct file *file, int fd, int flags);

#endif
