/* SPDX-License-Identifier: MIT */
/*
 * Single bytes, and fread(). While the get area has a byte, libc's function is called as it is.
 * getc_unlocked() is a macro in programs, which calls __uflow() when the get area is empty.
 */
#include "shim/libc/symbols.h"

#include <pthread.h>

#include "shim/serve/stream.h"
#include "shim/table/news.h"

/* Here libc would read, which is a cancellation point; nothing is held yet. */
static never_inline int getc_starved(FILE *stream)
{
	bool locked, filled;
	int c;

	pthread_testcancel();
	locked = stream_lock(stream);
	filled = stream_fill(stream);
	stream_unlock(stream, locked);
	c = NEXT(getc)(stream);
	if (!filled)
		stream_after(stream);
	return c;
}

/* The same for functions that take no lock. */
static never_inline int starved(FILE *stream, int (*next)(FILE *stream))
{
	bool filled = stream_fill(stream);
	int c = next(stream);

	if (!filled)
		stream_after(stream);
	return c;
}

/* The stream is not the cache's: a pipe, for example. */
static never_inline int heard(FILE *stream, int (*next)(FILE *stream))
{
	int c = next(stream);

	news_hear();
	return c;
}

/* `next` for a stream whose get area is empty. */
static never_inline int starved_next(FILE *stream, int (*next)(FILE *stream))
{
	return stream_tracked(stream) ? starved(stream, next) : heard(stream, next);
}

int getc(FILE *stream)
{
	if (stream_starved(stream)) {
		return stream_tracked(stream) ? getc_starved(stream) : heard(stream, NEXT(getc));
	} else if (__libc_single_threaded) {
		return (unsigned char)*stream->_IO_read_ptr++;
	}
	return NEXT(getc)(stream);
}

int getchar(void)
{
	return getc(stdin);
}

int getc_unlocked(FILE *stream)
{
	return stream_starved(stream) ? starved_next(stream, NEXT(getc_unlocked)) :
					NEXT(getc_unlocked)(stream);
}

int getchar_unlocked(void)
{
	return getc_unlocked(stdin);
}

int __uflow(FILE *stream)
{
	return stream_starved(stream) ? starved_next(stream, NEXT(__uflow)) : NEXT(__uflow)(stream);
}

int __underflow(FILE *stream)
{
	return stream_starved(stream) ? starved_next(stream, NEXT(__underflow)) :
					NEXT(__underflow)(stream);
}

int getw(FILE *stream)
{
	if (stream_tracked(stream)) {
		bool locked = stream_lock(stream);

		stream_ahead(stream, sizeof(int));
		stream_unlock(stream, locked);
	}
	return stream_have(stream) < sizeof(int) ? heard(stream, NEXT(getw)) : NEXT(getw)(stream);
}

static size_t items(size_t bytes, size_t size, size_t n)
{
	return bytes == size * n ? n : bytes / size;
}

static never_inline size_t fread_guarded(void *buf, size_t size, size_t n, FILE *stream)
{
	size_t done;

	pthread_testcancel();
	flockfile(stream);
	pthread_cleanup_push(stream_guard, stream);
	done = stream_read(stream, buf, size * n);
	pthread_cleanup_pop(1);
	return items(done, size, n);
}

static never_inline size_t fread_tracked(void *buf, size_t size, size_t n, FILE *stream)
{
	bool locked = stream_lock(stream);
	bool enough = size * n <= stream_have(stream);

	if (enough)
		stream_take(stream, buf, size * n);
	stream_unlock(stream, locked);
	return enough ? n : fread_guarded(buf, size, n, stream);
}

static inline size_t fread_next(size_t (*next)(void *, size_t, size_t, FILE *), void *buf,
				size_t size, size_t n, FILE *stream)
{
	struct stream_area before = stream_area_now(stream);
	size_t done = next(buf, size, n, stream);

	stream_heard(stream, &before, size * n);
	return done;
}

size_t fread(void *buf, size_t size, size_t n, FILE *stream)
{
	if (likely(!stream_tracked(stream)) || size * n == 0) /* the product may wrap, as in libc */
		return fread_next(NEXT(fread), buf, size, n, stream);
	return fread_tracked(buf, size, n, stream);
}

size_t fread_unlocked(void *buf, size_t size, size_t n, FILE *stream)
{
	if (likely(!stream_tracked(stream)) || size * n == 0)
		return fread_next(NEXT(fread_unlocked), buf, size, n, stream);
	return items(stream_read(stream, buf, size * n), size, n);
}

/* libc aborts the program if the buffer is too small. */
static bool fits(size_t room, size_t size, size_t n)
{
	size_t bytes;

	return !__builtin_mul_overflow(size, n, &bytes) && bytes <= room;
}

size_t __fread_chk(void *buf, size_t room, size_t size, size_t n, FILE *stream)
{
	if (unlikely(!fits(room, size, n)))
		return NEXT(__fread_chk)(buf, room, size, n, stream);
	return fread(buf, size, n, stream);
}

size_t __fread_unlocked_chk(void *buf, size_t room, size_t size, size_t n, FILE *stream)
{
	if (unlikely(!fits(room, size, n)))
		return NEXT(__fread_unlocked_chk)(buf, room, size, n, stream);
	return fread_unlocked(buf, size, n, stream);
}

HOOK_ALIAS(fgetc, getc);
HOOK_ALIAS(_IO_getc, getc);
HOOK_ALIAS(fgetc_unlocked, getc_unlocked);
HOOK_ALIAS(_IO_fread, fread);
