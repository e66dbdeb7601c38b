/* SPDX-License-Identifier: MIT */
/*
 * The inside of glibc's FILE, as far as we write to it: the get area and what goes with it.
 *
 *	buf_base          read_ptr        read_end     buf_end
 *	   | bytes that were read | get area |             |
 *
 * The kernel's position belongs to read_end. `_offset` is what the FILE believes that position
 * to be, or -1. The names are in <bits/types/struct_FILE.h>, their meaning is not: a test of
 * all that is assumed here runs before the first use, on a FILE of its own; where it finds
 * anything else, streams are left to libc.
 */
#ifndef SHIM_STREAM_LAYOUT_H
#define SHIM_STREAM_LAYOUT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/single_threaded.h>

#include "base/compiler.h"

/* FILE._flags that <stdio.h> does not tell */
#define STREAM_UNBUFFERED 0x0002
#define STREAM_NO_READS 0x0004
#define STREAM_NO_WRITES 0x0008
#define STREAM_EOF 0x0010
#define STREAM_ERROR 0x0020
#define STREAM_IN_BACKUP 0x0100
#define STREAM_LINE_BUFFERED 0x0200
#define STREAM_PUTTING 0x0800
#define STREAM_APPENDING 0x1000

#define STREAM_NO_OFFSET (-1) /* _IO_pos_BAD of glibc */

/* NULL if this libc does not have it any more */
extern void libc_doallocbuf(FILE *stream) __asm__("_IO_doallocbuf") __attribute__((weak));
extern void libc_free_backup_area(FILE *stream) __asm__("_IO_free_backup_area")
	__attribute__((weak));

/* The table of functions of the FILE, which tells a plain file from a pipe, a string or a cookie. */
static inline const void *stream_operations(FILE *stream)
{
	return *(const void *const *)(stream + 1);
}

/* Whether `stream` is a plain file with the known layout. */
bool stream_layout_known(FILE *stream);

static inline size_t stream_buffer_size(const FILE *stream)
{
	return (size_t)(stream->_IO_buf_end - stream->_IO_buf_base);
}

static inline size_t stream_have(const FILE *stream)
{
	return (size_t)(stream->_IO_read_end - stream->_IO_read_ptr);
}

/*
 * Whether bytes that were pushed back may still be there, or their memory. (In the backup area of a stream
 * that has no buffer yet, _IO_save_base is NULL.)
 */
static inline bool stream_has_backup(const FILE *stream)
{
	return stream->_flags & STREAM_IN_BACKUP || stream->_IO_save_base;
}

/* The get area of a stream, as it is before a call of libc that reads. */
struct stream_area {
	const char *base, *ptr, *end;
};

static inline struct stream_area stream_area_now(const FILE *stream)
{
	return (struct stream_area){ stream->_IO_buf_base, stream->_IO_read_ptr,
				     stream->_IO_read_end };
}

/*
 * Whether libc may have read from the file since `before`, in a call for at most `n` bytes that took one or more.
 * If libc has filled the buffer anew up to the same end, it took all bytes that were left, and then some that lie
 * before read_ptr now. Then read_ptr lies behind the old one only if more than a whole buffer was taken. Another
 * thread may have moved all of the pointers.
 */
static inline bool stream_refilled(const FILE *stream, const struct stream_area *before, size_t n)
{
	return !__libc_single_threaded || stream->_IO_read_end != before->end ||
	       stream->_IO_read_ptr <= before->ptr || n > (size_t)(before->end - before->base);
}

/* Empty the get area, as before a read() into the buffer. */
static inline void stream_area_clear(FILE *stream)
{
	char *base = stream->_IO_buf_base;

	stream->_IO_read_base = stream->_IO_read_ptr = stream->_IO_read_end = base;
	stream->_IO_write_base = stream->_IO_write_ptr = stream->_IO_write_end = base;
}

/* `n` bytes have been read from the file; the kernel's position has moved. */
static inline void stream_moved(FILE *stream, size_t n)
{
	if (stream->_offset >= 0)
		stream->_offset += (off_t)n;
}

/* Put the bytes that were read behind the get area. */
static inline void stream_area_extend(FILE *stream, size_t n)
{
	stream->_IO_read_end += n;
	stream_moved(stream, n);
}

/* A read() found the end of the file. */
static inline void stream_area_end(FILE *stream)
{
	stream->_flags |= STREAM_EOF;
	stream->_offset = STREAM_NO_OFFSET;
}

#endif
