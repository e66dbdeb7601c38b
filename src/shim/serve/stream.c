/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/serve/stream.h"

#include <string.h>
#include <wchar.h>

#include "base/sys.h"

#include "shim/serve/serve.h"
#include "shim/libc/thread.h"
#include "shim/files/track.h"

#define NEVER (STREAM_NO_READS | STREAM_PUTTING | STREAM_APPENDING)
#define NO_FILL (NEVER | STREAM_UNBUFFERED | STREAM_LINE_BUFFERED | STREAM_EOF)

/* The handle of a stream that may be served, as far as the state of its FILE goes; or NULL. */
static struct handle *stream_handle(FILE *stream, int never)
{
	struct handle *handle;

	if (stream->_flags & never || stream->_mode > 0 || stream->_markers)
		return NULL;
	handle = track_get(stream->_fileno);
	if (!handle || handle_is_writer(handle) || thread_is_foreign() ||
	    !stream_layout_known(stream))
		return NULL;
	/* libc moves the position too */
	if (!position_is_shared(&handle->position))
		position_share(&handle->position, stream->_fileno);
	return handle;
}

/* Read from the cache in place of libc's read(). */
static ssize_t stream_serve(FILE *stream, struct handle *handle, void *buf, size_t n)
{
	struct iovec iov = { buf, n };
	ssize_t got = SERVE_PASS;

	if (thread_enter()) {
		got = serve_next(handle, stream->_fileno, &iov, 1);
		thread_leave();
	}
	return got;
}

/* Does what libc does before it reads for the first time. */
static bool stream_prepare(FILE *stream)
{
	if (!stream->_IO_buf_base && stream_has_backup(stream))
		return false;
	if (!stream->_IO_buf_base) {
		libc_doallocbuf(stream);
		if (!stream->_IO_buf_base)
			return false;
		stream_area_clear(stream);
	}
	if (!stream->_mode)
		fwide(stream, -1);
	return stream->_mode < 0;
}

/* Whether pushed back bytes are still to be read; otherwise their memory is freed. */
static bool backup_pending(FILE *stream)
{
	if (stream->_flags & STREAM_IN_BACKUP)
		return true;
	if (stream->_IO_save_base)
		libc_free_backup_area(stream);
	return false;
}

bool stream_fill(FILE *stream)
{
	struct handle *handle;
	ssize_t got;

	if (stream_have(stream))
		return true;
	handle = stream_handle(stream, NO_FILL);
	if (!handle || !stream_prepare(stream) || stream->_flags & NO_FILL)
		return false;
	if (stream_has_backup(stream)) {
		/* pushed back bytes are used up: return to the buffer's own */
		libc_free_backup_area(stream);
		if (stream_have(stream))
			return true;
	}
	stream_area_clear(stream);
	got = stream_serve(stream, handle, stream->_IO_buf_base, stream_buffer_size(stream));
	if (got > 0)
		stream_area_extend(stream, (size_t)got);
	else if (!got)
		stream_area_end(stream);
	return got > 0;
}

bool stream_refill(FILE *stream)
{
	bool more = stream_fill(stream);

	if (!more) {
		more = NEXT(__underflow)(stream) != EOF;
		stream_after(stream);
	}
	return more;
}

void stream_ahead(FILE *stream, size_t least)
{
	size_t have = stream_have(stream);
	struct handle *handle;
	size_t room;
	ssize_t got;

	if (!have)
		stream_fill(stream);
	if (!have || have >= least)
		return;
	handle = stream_handle(stream, NO_FILL);
	if (!handle || load_relaxed(&handle->guess) >= load_relaxed(&handle->size) ||
	    backup_pending(stream))
		return;
	room = stream_buffer_size(stream) - have;
	if (room < least)
		return;
	memmove(stream->_IO_buf_base, stream->_IO_read_ptr, have);
	stream_area_clear(stream);
	stream->_IO_read_end += have;
	got = stream_serve(stream, handle, stream->_IO_read_end, room);
	if (got > 0)
		stream_area_extend(stream, (size_t)got);
}

size_t stream_take(FILE *stream, char *to, size_t n)
{
	size_t have = stream_have(stream);

	if (n > have)
		n = have;
	memcpy(to, stream->_IO_read_ptr, n);
	stream->_IO_read_ptr += n;
	return n;
}

/* Read whole buffers straight into the program's memory. SERVE_PASS: leave it to libc. */
static ssize_t stream_direct(FILE *stream, char *to, size_t n)
{
	struct handle *handle = stream_handle(stream, NEVER);
	size_t block = stream_buffer_size(stream);
	ssize_t got;

	if (!handle)
		return SERVE_PASS;
	if (block >= 128)
		n -= n % block;
	stream_area_clear(stream);
	got = stream_serve(stream, handle, to, n);
	if (got > 0)
		stream_moved(stream, (size_t)got);
	else if (!got)
		stream->_flags |= STREAM_EOF;
	return got;
}

static size_t libc_read(FILE *stream, char *to, size_t n)
{
	size_t got = NEXT(fread_unlocked)(to, 1, n, stream);

	stream_after(stream);
	return got;
}

/* With an empty get area: returns the number of bytes that were read, 0 at the end or after an error. */
static size_t read_more(FILE *stream, char *to, size_t n, bool *rest)
{
	bool backup = stream->_flags & STREAM_IN_BACKUP;
	ssize_t got;

	if (!backup && n >= stream_buffer_size(stream)) {
		got = stream_direct(stream, to, n);
		if (got >= 0)
			return (size_t)got;
	} else if (stream_fill(stream)) {
		return stream_take(stream, to, n);
	}
	*rest = true;
	return libc_read(stream, to, n);
}

size_t stream_read(FILE *stream, char *to, size_t n)
{
	size_t done = stream_take(stream, to, n);
	bool rest = false;

	if (done == n)
		return n;
	if (!stream_handle(stream, NEVER) || !stream_prepare(stream))
		return done + libc_read(stream, to + done, n - done);
	while (done < n && !rest) {
		size_t got = read_more(stream, to + done, n - done, &rest);

		if (!got)
			break;
		done += got;
	}
	return done;
}

/* The target of the seek, if it can be told without moving. */
static bool stream_seek_target(FILE *stream, off_t offset, int whence, off_t *to)
{
	struct statx stx;
	off_t base = 0;

	if (whence == SEEK_CUR) {
		if (stream->_offset < 0)
			return false;
		base = stream->_offset - (off_t)stream_have(stream);
	} else if (whence == SEEK_END) {
		if (sys_statx(stream->_fileno, "", AT_EMPTY_PATH, STATX_SIZE, &stx))
			return false;
		base = (off_t)stx.stx_size;
	} else if (whence != SEEK_SET) {
		return false;
	}
	return !__builtin_add_overflow(base, offset, to) && *to >= 0;
}

static bool seek_in_buffer(const FILE *stream, off_t to)
{
	off_t start = stream->_offset - (stream->_IO_read_end - stream->_IO_buf_base);

	return stream->_offset >= 0 && to >= start && to < stream->_offset;
}

/* Fill the buffer from `to` - `before` on; `n` is how much libc would read. */
static int seek_fill(FILE *stream, struct handle *handle, off_t to, size_t before, size_t n)
{
	off_t start = to - (off_t)before;
	ssize_t got;

	if (sys_lseek(stream->_fileno, start, SEEK_SET) != start)
		return STREAM_PASS;
	stream_area_clear(stream);
	stream->_offset = start;
	store_relaxed(&handle->guess, (uint64_t)start);
	got = stream_serve(stream, handle, stream->_IO_buf_base, n);
	if (got > 0)
		stream_area_extend(stream, (size_t)got);
	/* beyond the end, or not served */
	if (got < (ssize_t)before)
		return NEXT(fseeko)(stream, to, SEEK_SET);
	stream->_flags &= ~STREAM_EOF;
	stream->_IO_read_ptr += before;
	return 0;
}

/*
 * libc seeks to the block's start and reads the block; if nothing was read since the last flush, it reads
 * only what lies before the target: the position in the kernel is exact then.
 */
int stream_seek(FILE *stream, off_t offset, int whence)
{
	bool exact = stream->_IO_read_base == stream->_IO_read_end;
	struct handle *handle = stream_handle(stream, NEVER);
	size_t block, before;
	off_t to;

	if (!handle || backup_pending(stream) || !stream_seek_target(stream, offset, whence, &to))
		return STREAM_PASS;
	if (!stream->_IO_buf_base) {
		libc_doallocbuf(stream);
		if (!stream->_IO_buf_base)
			return STREAM_PASS;
		stream_area_clear(stream);
	}
	block = stream_buffer_size(stream);
	before = (size_t)to & (block - 1);
	if (!before || before > block || seek_in_buffer(stream, to))
		return STREAM_PASS;
	return seek_fill(stream, handle, to, before, exact ? before : block);
}

void stream_guard(void *stream)
{
	funlockfile(stream);
}
