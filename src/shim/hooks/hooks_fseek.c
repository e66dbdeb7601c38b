/* SPDX-License-Identifier: MIT */
/*
 * Seeking in streams: libc reads the block that contains the target, so that block must come from the
 * cache. Telling the position and rewinding read nothing and are left to libc.
 */
#include "shim/libc/symbols.h"

#include <pthread.h>

#include "shim/serve/stream.h"

static never_inline int fseek_tracked(FILE *stream, off_t offset, int whence)
{
	int result;

	flockfile(stream);
	pthread_cleanup_push(stream_guard, stream);
	result = stream_seek(stream, offset, whence);
	pthread_cleanup_pop(1);
	return result;
}

/* A read by libc moves the end of the get area, or the position that it remembers. */
struct area {
	const char *end;
	off64_t offset;
};

static inline struct area area_of(const FILE *stream)
{
	return (struct area){ stream->_IO_read_end, stream->_offset };
}

static int sought(const FILE *stream, struct area before, int result)
{
	struct area now = area_of(stream);

	if (unlikely(now.end != before.end || now.offset != before.offset))
		stream_after(stream);
	return result;
}

int fseek(FILE *stream, long offset, int whence)
{
	struct area before = area_of(stream);
	int result = STREAM_PASS;

	if (stream_tracked(stream))
		result = fseek_tracked(stream, offset, whence);
	return result == STREAM_PASS ? sought(stream, before, NEXT(fseek)(stream, offset, whence)) :
				       result;
}

int fseeko(FILE *stream, off_t offset, int whence)
{
	struct area before = area_of(stream);
	int result = STREAM_PASS;

	if (stream_tracked(stream))
		result = fseek_tracked(stream, offset, whence);
	return result == STREAM_PASS ?
		       sought(stream, before, NEXT(fseeko)(stream, offset, whence)) :
		       result;
}

int fsetpos(FILE *stream, const fpos_t *position)
{
	struct area before = area_of(stream);
	int result = STREAM_PASS;

	if (stream_tracked(stream))
		result = fseek_tracked(stream, position->__pos, SEEK_SET);
	return result == STREAM_PASS ? sought(stream, before, NEXT(fsetpos)(stream, position)) :
				       result;
}

HOOK_ALIAS(fseeko64, fseeko);
HOOK_ALIAS(fsetpos64, fsetpos);
HOOK_ALIAS(_IO_fsetpos, fsetpos);
HOOK_ALIAS(_IO_fsetpos64, fsetpos);
