/* SPDX-License-Identifier: MIT */
/* Calls of shim_diff.c that read through somebody else: -1 and errno, or what came. */
#ifndef SHIM_DIFF_H
#define SHIM_DIFF_H

#include <stddef.h>
#include <sys/types.h>

#define ROOM (1 << 20)

/* shim_diff_passed.c */
/* A child reads a little and ends; both share the position. */
long child_reads(int fd, int how, size_t n);
/* Another program reads from it as its standard input. */
long spawned_reads(int fd, int how);
/* Send the descriptor through a socket, read from what comes out, close that. */
long passed_reads(int fd, char *buf, size_t n);
/* A stream on a duplicate: what it buffers moves the shared position. */
long stream_reads(int fd, char *buf, size_t n);
long piped(int fd, char *buf, off_t *offset, size_t n, int how);

#endif
