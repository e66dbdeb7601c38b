/* SPDX-License-Identifier: MIT */
/*
 * Reading streams from the cache.
 *
 * The FILE stays libc's own, on the real descriptor, and the kernel keeps its position. When its
 * get area is empty, we fill the FILE's buffer from the cache and move the position as libc's
 * read() would have done; then libc, or a loop of ours, takes the bytes from there. What is not
 * hooked, or not understood, finds a FILE like any other and reads the origin.
 *
 * Served are streams of plain files, open for reading, byte-oriented, on a tracked descriptor.
 * Callers of all functions but stream_tracked() hold the stream's lock, or do not need it.
 */
#ifndef SHIM_STREAM_H
#define SHIM_STREAM_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/single_threaded.h>

#include "base/compiler.h"

#include "shim/files/look.h"
#include "shim/table/fdtab.h"
#include "shim/table/news.h"
#include "shim/libc/stream_layout.h"

/* The first question of the hooks: one load of the FILE, one of the table. */
static inline bool stream_tracked(const FILE *stream)
{
	return unlikely(fdtab_get(stream->_fileno) != NULL);
}

/* For functions that need one byte: false while the get area has one. */
static inline bool stream_starved(const FILE *stream)
{
	return unlikely(stream->_IO_read_ptr >= stream->_IO_read_end);
}

/* Fill an empty get area. Returns true if it has bytes now; false: libc must do it. */
bool stream_fill(FILE *stream);

/* The same, but if the cache cannot, libc does it. False: end of the file, or an error. */
bool stream_refill(FILE *stream);

/* Put `least` bytes into the get area, if the file has them and the buffer has room. */
void stream_ahead(FILE *stream, size_t least);

/* Call when libc may have read the stream's file itself: others speak through what is not a file (news.h). */
static inline void stream_after(const FILE *stream)
{
	if (stream_tracked(stream))
		look_after(stream->_fileno);
	else
		news_hear();
}

/*
 * The same for a stream that is not the cache's, after a call that took at most `n` bytes. What comes out of its buffer
 * tells of nobody.
 */
static inline void stream_heard(const FILE *stream, const struct stream_area *before, size_t n)
{
	if (unlikely(stream_refilled(stream, before, n)))
		news_hear();
}

/* Move up to `n` bytes of the get area to `to`. */
size_t stream_take(FILE *stream, char *to, size_t n);

/*
 * fread(): read up to `n` bytes, large parts without copying them through the buffer. Short at the end of
 * the file or after an error.
 */
size_t stream_read(FILE *stream, char *to, size_t n);

/*
 * Move to `offset` as fseek() does, and fill the buffer around it. 0; -1 with errno; or STREAM_PASS:
 * nothing was done, libc must do it.
 */
#define STREAM_PASS (-2)
int stream_seek(FILE *stream, off_t offset, int whence);

/*
 * Lock the stream. A process of one thread need not; the result must be remembered. Code that runs under
 * the lock without stream_guard() must contain no cancellation point.
 */
static inline bool stream_lock(FILE *stream)
{
	if (__libc_single_threaded)
		return false;
	flockfile(stream);
	return true;
}

static inline void stream_unlock(FILE *stream, bool locked)
{
	if (locked)
		funlockfile(stream);
}

/* For pthread_cleanup_push(), around calls into libc: releases the lock of a cancelled thread. */
void stream_guard(void *stream);

#endif
