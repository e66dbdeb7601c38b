/* SPDX-License-Identifier: MIT */
/* Reading, opening and closing by an io_uring of the calling thread that is made by syscall(2), as libuv does. */
#ifndef TORTURE_RAW_RING_H
#define TORTURE_RAW_RING_H

#include <sys/types.h>

ssize_t raw_read(int fd, void *buf, size_t n); /* at the position */
ssize_t raw_pread(int fd, void *buf, size_t n, off_t at);
int raw_open(const char *path);
int raw_close(int fd);

#endif
