/* SPDX-License-Identifier: MIT */
/* /proc/self/fd: the descriptors of the process and the paths of their files. */
#ifndef SHIM_PROCFD_H
#define SHIM_PROCFD_H

#include <stddef.h>
#include <sys/types.h>

/*
 * The canonical absolute path of `fd` in buf, NUL-terminated; its length, or a negative errno
 * value: -ENAMETOOLONG, -ENOENT for something that has no path.
 */
ssize_t procfd_path(int fd, char *buf, size_t n);

/* Call `visit` for every open descriptor; 0, or a negative errno value without /proc. */
int procfd_each(void (*visit)(int fd, void *arg), void *arg);

/* The same while no other thread opens or closes any. */
int procfd_each_alone(void (*visit)(int fd, void *arg), void *arg);

#endif
