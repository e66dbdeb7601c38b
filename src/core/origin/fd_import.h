/* SPDX-License-Identifier: MIT */
/*
 * An origin's file of the program, for a thread that has a descriptor table of its own. A duplicate
 * in the program's table would not do: closing it drops the program's POSIX locks.
 */
#ifndef CORE_FD_IMPORT_H
#define CORE_FD_IMPORT_H

struct file;

/*
 * The program's own description at its descriptor `fd`; `pidfd` is of this process, or -errno. A
 * descriptor of the calling thread's table, or -errno: -EPERM and -ENOSYS where a container or an
 * old kernel forbids it, -ESTALE when `fd` is not the file, unchanged.
 */
int fd_import(const struct file *file, int pidfd, int fd);

/* The file opened anew, for reading, with `flags`, and by the permissions that the process has now. */
int fd_import_anew(const struct file *file, int fd, int flags);

#endif
