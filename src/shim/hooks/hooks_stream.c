/* SPDX-License-Identifier: MIT */
/*
 * Streams. libc opens, closes and reads their descriptors inside itself, past our hooks, so the functions
 * around them keep the descriptor table right. The position of a stream always is the kernel's. Its
 * descriptor is served if the program reads it directly, as libstdc++ does.
 */
#include "shim/libc/symbols.h"

#include <errno.h>
#include <string.h>

#include "shim/files/announce.h"
#include "shim/table/attach.h"
#include "shim/files/fd.h"
#include "shim/files/names.h"
#include "shim/table/handle.h"
#include "shim/table/process.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"
#include "shim/table/news.h"

/* The headers declare arguments as nonnull, but programs pass NULL. */
#define MAY_BE_NULL(p) __asm__("" : "+r"(p))

/* The descriptor of a stream or -1, with errno as it was. */
static int stream_fd(FILE *stream)
{
	int saved = errno;
	int fd;

	MAY_BE_NULL(stream);
	fd = stream && attach_active ? fileno(stream) : -1;
	errno = saved;
	return fd;
}

/* The open flags that a mode such as "r+b" stands for. */
static int mode_flags(const char *mode)
{
	bool update = strchr(mode, '+');

	switch (*mode) {
	case 'w':
		return (update ? O_RDWR : O_WRONLY) | O_TRUNC;
	case 'a':
		return (update ? O_RDWR : O_WRONLY) | O_APPEND;
	default:
		return update ? O_RDWR : O_RDONLY;
	}
}

static FILE *stream_new(FILE *stream, int flags)
{
	track_stream(stream_fd(stream), flags);
	return stream;
}

/* With frozen trees: for a file that is only read, the descriptor is opened first. */
static bool stream_frozen(const char *path, const char *mode, FILE **stream)
{
	int flags = O_RDONLY | (strchr(mode, 'e') ? O_CLOEXEC : 0);
	int fd;

	if (*mode != 'r' || strchr(mode, '+')) {
		tree_touch(AT_FDCWD, path, TREE_OPEN);
		return false;
	}
	if (mode[strspn(mode, "rbte")] || !tree_open(AT_FDCWD, path, flags, &fd))
		return false;
	*stream = fd < 0 ? NULL : NEXT(fdopen)(fd, "r");
	if (fd >= 0 && !*stream)
		close(fd);
	return true;
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *stream;

	if (*mode == 'r' && names_absent(AT_FDCWD, path, NAMES_OPEN))
		return NULL;
	if (unlikely(load_relaxed(&tree_on)) && stream_frozen(path, mode, &stream))
		return stream;
	stream = NEXT(fopen)(path, mode);
	news_name();
	return stream_new(stream, mode_flags(mode));
}

FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	/* without a path it is opened anew by its descriptor */
	tree_real(stream_fd(stream));
	if (*mode != 'r' || strchr(mode, '+'))
		tree_touch(AT_FDCWD, path, TREE_OPEN);
	fd_drop(stream_fd(stream));
	stream = NEXT(freopen)(path, mode, stream);
	news_name();
	return stream_new(stream, mode_flags(mode));
}

FILE *fdopen(int fd, const char *mode)
{
	fd_share(fd);
	return NEXT(fdopen)(fd, mode);
}

int fclose(FILE *stream)
{
	struct handle *taken = fd_take(stream_fd(stream));
	bool writer = fdtab_is_handle(taken) && handle_is_writer(taken);
	int ret;

	if (writer)
		rawcache_file_changed(attach_cache_now(), &taken->stx);
	ret = NEXT(fclose)(stream);
	if (writer)
		rawcache_file_changed(attach_cache_now(), &taken->stx);
	fd_put(taken);
	return ret;
}

/* For both of libc's functions; NULL stands for all streams. */
static int flush(FILE *stream, int (*next)(FILE *stream))
{
	int ret;

	if (!stream) {
		announce_all();
		ret = next(NULL);
		announce_all();
		return ret;
	}
	return ANNOUNCED(stream_fd(stream), next(stream));
}

int fflush(FILE *stream)
{
	return flush(stream, NEXT(fflush));
}

int fflush_unlocked(FILE *stream)
{
	return flush(stream, NEXT(fflush_unlocked));
}

/* Despite its name it flushes all streams, and closes none. */
int fcloseall(void)
{
	int ret;

	announce_all();
	ret = NEXT(fcloseall)();
	announce_all();
	return ret;
}

FILE *tmpfile(void)
{
	FILE *stream = NEXT(tmpfile)();

	fd_new(stream_fd(stream));
	return stream;
}

FILE *popen(const char *command, const char *mode)
{
	FILE *stream;

	process_share_inherited();
	stream = NEXT(popen)(command, mode);
	fd_new(stream_fd(stream));
	return stream;
}

int pclose(FILE *stream)
{
	int status;

	fd_drop(stream_fd(stream));
	status = NEXT(pclose)(stream);
	news_end();
	return status;
}

HOOK_ALIAS(fopen64, fopen);
HOOK_ALIAS(_IO_fopen, fopen);
HOOK_ALIAS(freopen64, freopen);
HOOK_ALIAS(_IO_fdopen, fdopen);
HOOK_ALIAS(_IO_fclose, fclose);
HOOK_ALIAS(_IO_fflush, fflush);
HOOK_ALIAS(tmpfile64, tmpfile);
HOOK_ALIAS(_IO_popen, popen);
