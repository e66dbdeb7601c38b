/* SPDX-License-Identifier: MIT */
/*
 * Reading lines. libc's functions would read the origin when a line continues in the next buffer, so for
 * tracked streams their loops are here; results, errno and flags are libc's.
 */
#include "shim/libc/symbols.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "shim/serve/stream.h"

#define LINE_ROOM 120 /* the size with which getline() begins */

/* The number of bytes in the get area up to and including the delimiter, at most n. */
static size_t stretch(const FILE *stream, int delimiter, size_t n, bool *found)
{
	size_t have = stream_have(stream);
	const char *hit;

	if (n > have)
		n = have;
	hit = memchr(stream->_IO_read_ptr, delimiter, n);
	*found = hit;
	return hit ? (size_t)(hit - stream->_IO_read_ptr) + 1 : n;
}

static size_t line_copy(FILE *stream, char *to, size_t n)
{
	bool found = false;
	size_t done = 0;

	while (done < n && !found && (stream_have(stream) || stream_refill(stream)))
		done += stream_take(stream, to + done, stretch(stream, '\n', n - done, &found));
	return done;
}

static char *fgets_tracked(char *buf, int n, FILE *stream)
{
	int error = stream->_flags & STREAM_ERROR;
	char *result = buf;
	size_t done;

	/* an earlier error must not count for this call */
	stream->_flags &= ~STREAM_ERROR;
	done = line_copy(stream, buf, (size_t)n - 1);
	if (!done || (stream->_flags & STREAM_ERROR && errno != EAGAIN))
		result = NULL;
	else
		buf[done] = '\0';
	stream->_flags |= error;
	return result;
}

static never_inline char *fgets_guarded(char *buf, int n, FILE *stream)
{
	char *result;

	/* a cancellation point as libc's read() would be; nothing is held yet */
	pthread_testcancel();
	flockfile(stream);
	pthread_cleanup_push(stream_guard, stream);
	result = fgets_tracked(buf, n, stream);
	pthread_cleanup_pop(1);
	return result;
}

/* Most lines are in the buffer as a whole. */
static never_inline char *fgets_locked(char *buf, int n, FILE *stream)
{
	bool locked = stream_lock(stream);
	bool found;
	size_t done = stretch(stream, '\n', (size_t)n - 1, &found);

	if (found) {
		stream_take(stream, buf, done);
		buf[done] = '\0';
	}
	stream_unlock(stream, locked);
	return found ? buf : fgets_guarded(buf, n, stream);
}

static inline char *fgets_next(char *(*next)(char *, int, FILE *), char *buf, int n, FILE *stream)
{
	struct stream_area before = stream_area_now(stream);
	char *line = next(buf, n, stream);

	stream_heard(stream, &before, (size_t)n);
	return line;
}

char *fgets(char *buf, int n, FILE *stream)
{
	if (likely(!stream_tracked(stream)) || n < 2)
		return fgets_next(NEXT(fgets), buf, n, stream);
	return fgets_locked(buf, n, stream);
}

char *fgets_unlocked(char *buf, int n, FILE *stream)
{
	if (likely(!stream_tracked(stream)) || n < 2)
		return fgets_next(NEXT(fgets_unlocked), buf, n, stream);
	return fgets_tracked(buf, n, stream);
}

char *__fgets_chk(char *buf, size_t room, int n, FILE *stream)
{
	if (unlikely(n <= 0 || (size_t)n > room))
		return NEXT(__fgets_chk)(buf, room, n, stream);
	return fgets(buf, n, stream);
}

char *__fgets_unlocked_chk(char *buf, size_t room, int n, FILE *stream)
{
	if (unlikely(n <= 0 || (size_t)n > room))
		return NEXT(__fgets_unlocked_chk)(buf, room, n, stream);
	return fgets_unlocked(buf, n, stream);
}

/* Make room for `needed` bytes in the program's line. */
static bool line_grow(char **line, size_t *room, size_t needed)
{
	char *larger;

	if (needed <= *room)
		return true;
	if (needed < 2 * *room)
		needed = 2 * *room;
	larger = realloc(*line, needed);
	if (!larger)
		return false;
	*line = larger;
	*room = needed;
	return true;
}

static bool line_begin(char **line, size_t *room)
{
	if (*line && *room)
		return true;
	*room = LINE_ROOM;
	*line = malloc(LINE_ROOM);
	return *line;
}

static ssize_t getdelim_tracked(char **line, size_t *room, int delimiter, FILE *stream)
{
	bool found = false;
	size_t done = 0;

	if (stream->_flags & STREAM_ERROR || !line_begin(line, room))
		return -1;
	if (!stream_have(stream) && !stream_refill(stream))
		return -1;
	do {
		size_t n = stretch(stream, delimiter, SIZE_MAX, &found);

		if (n >= SSIZE_MAX - done) {
			errno = EOVERFLOW;
			return -1;
		}
		if (!line_grow(line, room, done + n + 1))
			return -1;
		done += stream_take(stream, *line + done, n);
	} while (!found && stream_refill(stream));
	(*line)[done] = '\0';
	return (ssize_t)done;
}

static never_inline ssize_t getdelim_guarded(char **line, size_t *room, int delimiter, FILE *stream)
{
	ssize_t result;

	pthread_testcancel();
	flockfile(stream);
	pthread_cleanup_push(stream_guard, stream);
	result = getdelim_tracked(line, room, delimiter, stream);
	pthread_cleanup_pop(1);
	return result;
}

static never_inline ssize_t getdelim_locked(char **line, size_t *room, int delimiter, FILE *stream)
{
	bool locked = stream_lock(stream);
	bool found;
	size_t done = stretch(stream, delimiter, SIZE_MAX, &found);

	found = found && *line && done < *room && !(stream->_flags & STREAM_ERROR);
	if (found) {
		stream_take(stream, *line, done);
		(*line)[done] = '\0';
	}
	stream_unlock(stream, locked);
	return found ? (ssize_t)done : getdelim_guarded(line, room, delimiter, stream);
}

/* NULL arguments are libc's to refuse. */
static ssize_t getdelim_next(char **line, size_t *room, int delimiter, FILE *stream)
{
	struct stream_area before = stream_area_now(stream);
	ssize_t n = NEXT(getdelim)(line, room, delimiter, stream);

	stream_heard(stream, &before, (size_t)n); /* -1 is more than any buffer */
	return n;
}

ssize_t getdelim(char **line, size_t *room, int delimiter, FILE *stream)
{
	if (likely(!stream_tracked(stream)) || !line || !room)
		return getdelim_next(line, room, delimiter, stream);
	return getdelim_locked(line, room, delimiter, stream);
}

ssize_t getline(char **line, size_t *room, FILE *stream)
{
	if (likely(!stream_tracked(stream)) || !line || !room)
		return getdelim_next(line, room, '\n', stream);
	return getdelim_locked(line, room, '\n', stream);
}

HOOK_ALIAS(_IO_fgets, fgets);
HOOK_ALIAS(__getdelim, getdelim);
