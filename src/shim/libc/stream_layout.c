/* SPDX-License-Identifier: MIT */
/*
 * The test of the layout runs once in a process, in the first thread that reads a tracked stream; a second
 * thread that comes meanwhile runs it too, with the same result. Only libc works on the FILE here, except
 * for the one top-up of the get area that is to be judged.
 */
#include "shim/libc/symbols.h"

#include "shim/libc/stream_layout.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"

/* Bytes of the buffer, and of the file that is read through it: see underflow(). */
#define BUFFER 64
#define BYTES 256

enum layout_state { LAYOUT_UNTESTED, LAYOUT_KNOWN, LAYOUT_STRANGE };

static int state;	       /* enum layout_state */
static const void *operations; /* of a plain file; set before `state` */

static bool area_is(const FILE *f, const char *buf, int ptr, int end)
{
	return f->_IO_buf_base == buf && f->_IO_buf_end == buf + BUFFER &&
	       f->_IO_read_base == buf && f->_IO_read_ptr == buf + ptr &&
	       f->_IO_read_end == buf + end && f->_IO_write_base == f->_IO_write_ptr;
}

static bool flags_are(const FILE *f, int set)
{
	const int all = STREAM_UNBUFFERED | STREAM_NO_READS | STREAM_NO_WRITES | STREAM_EOF |
			STREAM_ERROR | STREAM_IN_BACKUP | STREAM_LINE_BUFFERED | STREAM_PUTTING |
			STREAM_APPENDING;

	return (f->_flags & all) == set;
}

static bool fresh(FILE *f, int fd)
{
	return f->_fileno == fd && flags_are(f, STREAM_NO_WRITES) && !f->_IO_buf_base &&
	       f->_IO_read_ptr == f->_IO_read_end && !f->_IO_save_base && !f->_markers &&
	       !f->_mode && f->_offset == STREAM_NO_OFFSET;
}

static bool modes(FILE *f, char *buf)
{
	bool good;

	if (setvbuf(f, NULL, _IONBF, 0) || !flags_are(f, STREAM_NO_WRITES | STREAM_UNBUFFERED))
		return false;
	good = !setvbuf(f, buf, _IOLBF, BUFFER) &&
	       flags_are(f, STREAM_NO_WRITES | STREAM_LINE_BUFFERED);
	return good && !setvbuf(f, buf, _IOFBF, BUFFER) && flags_are(f, STREAM_NO_WRITES);
}

/* The state that libc's own underflow leaves, and the position that goes with it. */
static bool underflow(FILE *f, int fd, const char *buf)
{
	return NEXT(getc)(f) == 0 && area_is(f, buf, 1, BUFFER) && f->_mode == -1 &&
	       f->_offset == STREAM_NO_OFFSET && sys_lseek(fd, 0, SEEK_CUR) == BUFFER &&
	       NEXT(fseeko)(f, 2, SEEK_SET) == 0 && NEXT(fseeko)(f, BUFFER - 1, SEEK_SET) == 0 &&
	       f->_offset == BUFFER && NEXT(getc)(f) == BUFFER - 1 &&
	       area_is(f, buf, BUFFER, BUFFER);
}

/* The same after our top-up: libc must read on from it, and know the position. */
static bool top_up(FILE *f, int fd, const char *buf)
{
	stream_area_clear(f);
	if (sys_read(fd, f->_IO_buf_base, BUFFER) != BUFFER)
		return false;
	stream_area_extend(f, BUFFER);
	return NEXT(__underflow)(f) == BUFFER && NEXT(__uflow)(f) == BUFFER && ftello(f) == 65 &&
	       NEXT(fseeko)(f, 70, SEEK_SET) == 0 && area_is(f, buf, 6, BUFFER) &&
	       f->_offset == 2L * BUFFER && NEXT(getc)(f) == 70;
}

static bool push_back(FILE *f, const char *buf)
{
	if (ungetc(1, f) != 1 || !f->_IO_save_base || !(f->_flags & STREAM_IN_BACKUP) ||
	    stream_have(f) != 1)
		return false;
	libc_free_backup_area(f);
	return !f->_IO_save_base && flags_are(f, STREAM_NO_WRITES) && f->_IO_read_ptr == buf + 7 &&
	       f->_IO_read_end == buf + BUFFER && NEXT(getc)(f) == 71;
}

/* Our end of file is as sticky as libc's, and clearerr() heals it. */
static bool end(FILE *f, int fd, const char *buf)
{
	if (sys_lseek(fd, BYTES, SEEK_SET) != BYTES)
		return false;
	f->_IO_read_ptr = f->_IO_read_end;
	if (NEXT(getc)(f) != EOF || !flags_are(f, STREAM_NO_WRITES | STREAM_EOF) ||
	    f->_offset != STREAM_NO_OFFSET || !area_is(f, buf, 0, 0))
		return false;
	clearerr(f);
	if (!flags_are(f, STREAM_NO_WRITES) || sys_lseek(fd, BYTES - 1, SEEK_SET) != BYTES - 1)
		return false;
	stream_area_end(f);
	return feof(f) && NEXT(getc)(f) == EOF && (clearerr(f), NEXT(getc)(f)) == BYTES - 1 &&
	       f->_offset == STREAM_NO_OFFSET;
}

static bool test_stream(FILE *f, int fd)
{
	char buf[BUFFER];
	bool good = libc_doallocbuf && libc_free_backup_area && fresh(f, fd) && modes(f, buf) &&
		    underflow(f, fd, buf) && top_up(f, fd, buf) && push_back(f, buf) &&
		    end(f, fd, buf);

	operations = stream_operations(f);
	return good && operations;
}

/* Closes fd. */
static bool test_file(int fd)
{
	unsigned char bytes[BYTES];
	FILE *f;
	bool good;

	for (int i = 0; i < BYTES; i++)
		bytes[i] = (unsigned char)i;
	good = sys_write(fd, bytes, BYTES) == BYTES && !sys_lseek(fd, 0, SEEK_SET);
	f = good ? NEXT(fdopen)(fd, "r") : NULL;
	if (!f) {
		sys_close(fd);
		return false;
	}
	good = test_stream(f, fd);
	NEXT(fclose)(f);
	return good;
}

static never_inline int layout_test(void)
{
	int saved = errno;
	int result = LAYOUT_STRANGE;
	int cancel;
	int fd;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fd = (int)SYS_CALL(__NR_memfd_create, "rawcache", 1 /* MFD_CLOEXEC */, 0, 0, 0, 0);
	if (fd >= 0 && test_file(fd))
		result = LAYOUT_KNOWN;
	else
		log_warn("streams are left to libc: their layout is not known");
	pthread_setcancelstate(cancel, NULL);
	store_release(&state, result);
	errno = saved;
	return result;
}

bool stream_layout_known(FILE *stream)
{
	int known = load_acquire(&state);

	if (unlikely(known == LAYOUT_UNTESTED))
		known = layout_test();
	return known == LAYOUT_KNOWN && stream_operations(stream) == operations;
}
