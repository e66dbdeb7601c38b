/* SPDX-License-Identifier: MIT */
/*
 * scanf() and its kin take bytes one by one inside libc. Before such a call the get area is
 * topped up to more than what it is likely to take; if it takes more, libc reads on.
 */
#include "shim/libc/symbols.h"

#include "shim/serve/stream.h"

#define LIKELY_BYTES 512 /* more than nearly all calls of scanf() take */

static never_inline void scan_ahead(FILE *stream)
{
	bool locked = stream_lock(stream);

	stream_ahead(stream, LIKELY_BYTES);
	stream_unlock(stream, locked);
}

/*
 * The get area is read without the lock: a thread that reads at the same time may get either result.
 * Returns true if it has few bytes, so that libc may read.
 */
static inline bool scan_begin(FILE *stream)
{
	if (likely(stream_have(stream) >= LIKELY_BYTES))
		return false;
	if (stream_tracked(stream))
		scan_ahead(stream);
	return stream_have(stream) < LIKELY_BYTES;
}

static inline int scan_end(const FILE *stream, bool reads, int result)
{
	if (unlikely(reads))
		stream_after(stream);
	return result;
}

int vfscanf(FILE *stream, const char *format, va_list ap)
{
	bool reads = scan_begin(stream);

	return scan_end(stream, reads, NEXT(vfscanf)(stream, format, ap));
}

int _IO_vfscanf(FILE *stream, const char *format, va_list ap, int *errors)
{
	bool reads = scan_begin(stream);

	return scan_end(stream, reads, NEXT(_IO_vfscanf)(stream, format, ap, errors));
}

int __isoc99_vfscanf(FILE *stream, const char *format, va_list ap)
{
	bool reads = scan_begin(stream);

	return scan_end(stream, reads, NEXT(__isoc99_vfscanf)(stream, format, ap));
}

int __isoc23_vfscanf(FILE *stream, const char *format, va_list ap)
{
	bool reads = scan_begin(stream);

	return scan_end(stream, reads, NEXT(__isoc23_vfscanf)(stream, format, ap));
}

int vscanf(const char *format, va_list ap)
{
	return vfscanf(stdin, format, ap);
}

int __isoc99_vscanf(const char *format, va_list ap)
{
	return __isoc99_vfscanf(stdin, format, ap);
}

int __isoc23_vscanf(const char *format, va_list ap)
{
	return __isoc23_vfscanf(stdin, format, ap);
}

int fscanf(FILE *stream, const char *format, ...)
{
	bool reads = scan_begin(stream);
	va_list ap;
	int result;

	va_start(ap, format);
	result = NEXT(vfscanf)(stream, format, ap);
	va_end(ap);
	return scan_end(stream, reads, result);
}

int __isoc99_fscanf(FILE *stream, const char *format, ...)
{
	bool reads = scan_begin(stream);
	va_list ap;
	int result;

	va_start(ap, format);
	result = NEXT(__isoc99_vfscanf)(stream, format, ap);
	va_end(ap);
	return scan_end(stream, reads, result);
}

int __isoc23_fscanf(FILE *stream, const char *format, ...)
{
	bool reads = scan_begin(stream);
	va_list ap;
	int result;

	va_start(ap, format);
	result = NEXT(__isoc23_vfscanf)(stream, format, ap);
	va_end(ap);
	return scan_end(stream, reads, result);
}

int scanf(const char *format, ...)
{
	bool reads = scan_begin(stdin);
	va_list ap;
	int result;

	va_start(ap, format);
	result = NEXT(vfscanf)(stdin, format, ap);
	va_end(ap);
	return scan_end(stdin, reads, result);
}

int __isoc99_scanf(const char *format, ...)
{
	bool reads = scan_begin(stdin);
	va_list ap;
	int result;

	va_start(ap, format);
	result = NEXT(__isoc99_vfscanf)(stdin, format, ap);
	va_end(ap);
	return scan_end(stdin, reads, result);
}

int __isoc23_scanf(const char *format, ...)
{
	bool reads = scan_begin(stdin);
	va_list ap;
	int result;

	va_start(ap, format);
	result = NEXT(__isoc23_vfscanf)(stdin, format, ap);
	va_end(ap);
	return scan_end(stdin, reads, result);
}

HOOK_ALIAS(__vfscanf, vfscanf);
