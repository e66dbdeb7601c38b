/* SPDX-License-Identifier: MIT */
/* The same calls by somebody else than the hooks, for torture_ways.c. */
#ifndef TORTURE_CALLS_H
#define TORTURE_CALLS_H

#include <stddef.h>
#include <sys/types.h>

struct calls {
	const char *name;
	ssize_t (*read)(int fd, void *buf, size_t n);
	ssize_t (*pread)(int fd, void *buf, size_t n, off_t at);
	int (*open)(const char *path);
	int (*close)(int fd);
	int (*dup2)(int fd, int to);
};

#define CALLS 7u

/*
 * Kind `kind` of them, for the calling thread: libc's, liburing's, a ring by syscall(2), functions of a handle on
 * libc, of the plug-in `plugin` with RTLD_DEEPBIND, of a second libc, syscall(2). NULL: not to be had here. All of
 * them are set up when this is first called, so a process has no signs of other kinds than its own.
 */
const struct calls *calls_get(unsigned int kind, const char *plugin);

#endif
