/* SPDX-License-Identifier: MIT */
/*
 * The bulk I/O of fills, behind one small interface so that there can be several ways to do it.
 */
#ifndef CORE_IO_H
#define CORE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rawcache;

struct io_backend {
	const char *name;
	/* Read until `n` bytes or the end of the file; returns the count or -errno. */
	ssize_t (*read_origin)(struct rawcache *cache, int fd, void *buf, size_t n,
			       uint64_t offset);
	/* Write an extent, `n` a multiple of 4096. 0 or -errno. */
	int (*write_extent)(struct rawcache *cache, uint32_t page, const void *buf, size_t n);
};

extern const struct io_backend io_sync;

/* The way that options.io asks for, or the best that works here. */
const struct io_backend *io_backend_choose(const struct rawcache *cache);

#endif
