/* SPDX-License-Identifier: MIT */
/* /proc/self/fd: the descriptors of the process and the paths of their files. */
#ifndef SHIM_PROCFD_H
#define SHIM_PROCFD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Write the canonical absolute path of `fd` into buf, NUL-terminated. Returns its length, or -errno:
 * -ENAMETOOLONG; -ENOENT: it has no path.
 */
ssize_t procfd_path(int fd, char *buf, size_t n);

/* Call `visit` for every open descriptor. 0, or -errno without /proc. */
int procfd_each(void (*visit)(int fd, void *arg), void *arg);

/*
 * The same while no other thread opens or closes any. `visit` returns whether there is such a descriptor, and may be
 * called for some twice.
 */
int procfd_each_alone(bool (*visit)(int fd));

#endif
