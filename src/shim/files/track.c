/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/track.h"

#include <errno.h>
#include <string.h>

#include <rawcache/embed.h>

#include "base/clock.h"
#include "base/critical.h"
#include "base/paths.h"
#include "base/proctable.h"
#include "base/stack.h"
#include "base/stats.h"
#include "base/sys.h"

#include "shim/files/ahead.h"
#include "shim/files/loaded.h"
#include "shim/table/path_cache.h"
#include "shim/table/mounts.h"
#include "shim/libc/pathbuf.h"
#include "shim/table/process.h"
#include "shim/libc/procfd.h"
#include "shim/libc/thread.h"
#include "shim/table/watch.h"

/* Open flags of descriptors that are never tracked, and flags that no reader has. */
#define FLAGS_NEVER (O_PATH | O_DIRECTORY)
#define FLAGS_NO_READER (O_DIRECT | O_APPEND | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

struct candidate {
	int fd;
	bool inside; /* it lies in a configured directory */
	struct statx stx;
	uint64_t stx_ms, stx_ns; /* both clocks before the attributes were read: coarse, mono */
	struct news_heard heard; /* and what the process had heard */
	struct pathbuf *buf;	 /* its path, if inside */
};

/* Read its attributes as the kernel has them, or as fresh as RAWCACHE_REVALIDATE asks for. */
static int candidate_look(struct candidate *file, bool fresh)
{
	file->stx_ms = clock_coarse_ms();
	file->stx_ns = clock_mono_ns();
	file->heard = news_heard_now();
	return fresh ? attach_fstatx(file->fd, &file->stx) : sys_fstatx(file->fd, &file->stx);
}

/* Get the path of `fd`; *reason says why it has none. */
static bool fd_path(int fd, char *path, enum rawcache_reason *reason)
{
	ssize_t n = procfd_path(fd, path, PATH_MAX);

	*reason = RAWCACHE_REASON_outside;
	if (n < 0)
		return false;
	*reason = RAWCACHE_REASON_deleted;
	return !path_is_removed(path, (size_t)n);
}

/* Whether the path of `fd` lies in a configured directory. */
static bool path_matches(int fd, struct pathbuf *buf, enum rawcache_reason *reason)
{
	bool named = fd_path(fd, buf->path, reason);

	switch (paths_match(attach_config.paths, buf->path)) {
	case PATH_INSIDE:
		return named;
	case PATH_EXCLUDED:
		*reason = RAWCACHE_REASON_excluded;
		return false;
	default:
		*reason = RAWCACHE_REASON_outside;
		return false;
	}
}

bool track_path_inside(int fd)
{
	struct pathbuf *buf = pathbuf_get();
	enum rawcache_reason reason;
	bool inside;

	if (!buf)
		return false;
	inside = path_matches(fd, buf, &reason);
	pathbuf_put(buf);
	return inside;
}

/* Find out where the file lies, by the cheapest way first. Its path is known afterwards if that is inside. */
static bool candidate_locate(struct candidate *file, enum rawcache_reason *reason)
{
	enum path_match match;

	*reason = RAWCACHE_REASON_outside;
	if (mounts_outside(file->fd, &file->stx))
		return false;
	if (path_cache_find(&file->stx, &match, file->buf)) {
		if (match == PATH_EXCLUDED)
			*reason = RAWCACHE_REASON_excluded;
		return match == PATH_INSIDE;
	}
	if (path_matches(file->fd, file->buf, reason)) {
		/* no attribute of the file tells that a directory above it was moved to an excluded place */
		if (!attach_excludes)
			path_cache_learn(file->fd, &file->stx, PATH_INSIDE, file->buf->path);
		return true;
	}
	if (*reason == RAWCACHE_REASON_outside || *reason == RAWCACHE_REASON_excluded)
		path_cache_learn(file->fd, &file->stx,
				 *reason == RAWCACHE_REASON_outside ? PATH_OUTSIDE : PATH_EXCLUDED,
				 NULL);
	return false;
}

/* Whether the file could be served at all. */
static bool candidate_examine(struct candidate *file, enum rawcache_reason *reason)
{
	*reason = RAWCACHE_REASON_not_regular;
	if (candidate_look(file, false) || !S_ISREG(file->stx.stx_mode))
		return false;
	*reason = RAWCACHE_REASON_deleted;
	if (!file->stx.stx_nlink)
		return false;
	file->inside = candidate_locate(file, reason);
	/* the server is not asked about a file outside of the configured directories */
	return file->inside && (attach_config.revalidate_ms != CONFIG_REVALIDATE_SYNC ||
				!candidate_look(file, true));
}

/* A number for the directory of a path; two directories have the same one only by chance. */
static uint32_t directory_of(const char *path)
{
	const char *end = strrchr(path, '/');
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; end && path < end; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619u;
	return hash;
}

static struct handle *writer_make(const struct candidate *file, enum rawcache_reason reason)
{
	struct rawcache *cache = attach_cache_now();
	struct handle *handle = handle_make(HANDLE_WRITES, POSITION_KERNEL | POSITION_SHARED);

	if (!handle)
		return NULL;
	handle->stx = file->stx;
	handle->reason = reason;
	handle->directory = directory_of(file->buf->path);
	news_writes(&file->stx);
	rawcache_file_writer_begin(cache, &file->stx);
	rawcache_file_changed(cache, &file->stx); /* O_TRUNC has done so already */
	return handle;
}

static struct handle *reader_make(struct candidate *file, enum handle_mode mode, bool shared,
				  enum rawcache_reason *reason)
{
	uint64_t position = shared || process_shared_always ? POSITION_KERNEL | POSITION_SHARED : 0;
	uint64_t number = RAWCACHE_NO_FILE;
	struct handle *handle;
	int err = rawcache_file_open_asked(attach_cache_now(), file->fd, file->buf->path,
					   &file->stx, file->stx_ns, &number, reason);

	if (err && err != -EAGAIN)
		return NULL;
	handle = handle_make(mode, position);
	if (!handle) {
		*reason = RAWCACHE_REASON_no_memory;
		if (!err)
			rawcache_file_put(attach_cache_now(), number);
		return NULL;
	}
	handle->directory = directory_of(file->buf->path);
	handle->heard = file->heard;
	handle_begin(handle, number, err ? *reason : RAWCACHE_REASON_none, &file->stx,
		     file->stx_ms);
	/* stores into a mapping are not announced: a file that may be mapped writable is not mapped */
	if (mode == HANDLE_MAY_WRITE)
		rawcache_file_writer_begin(attach_cache_now(), &file->stx);
	return handle;
}

/* For a file that is never served: what the kernel returns of it ends older versions (look_after()). */
static struct handle *passing_make(const struct candidate *file)
{
	struct handle *handle = handle_make(HANDLE_READS, POSITION_KERNEL | POSITION_SHARED);

	if (!handle)
		return NULL;
	handle->stx = file->stx;
	handle->directory = directory_of(file->buf->path);
	handle->reason = RAWCACHE_REASON_open_mode;
	return handle;
}

/*
 * Whether a descriptor that is open for reading and writing, of an existing file, may write. Others that
 * share the description, or calls that pass the hooks, would write unseen.
 */
static bool flags_may_write(int flags, bool shared)
{
	return (flags & O_ACCMODE) == O_RDWR &&
	       (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL) && !shared &&
	       !process_shared_always && !sign_any();
}

/* Make a handle for a descriptor with open flags `flags`; or return NULL with the reason. */
static struct handle *candidate_track(struct candidate *file, int flags, bool shared,
				      enum rawcache_reason *reason)
{
	bool served = !(flags & FLAGS_NO_READER);
	struct handle *handle = NULL;

	if (!candidate_examine(file, reason) || process_seems_foreign() || !attach_cache(reason))
		return NULL;
	if (served && (flags & O_ACCMODE) == O_RDONLY)
		return reader_make(file, HANDLE_READS, shared, reason);
	if (served && flags_may_write(flags, shared))
		handle = reader_make(file, HANDLE_MAY_WRITE, shared, reason);
	else
		*reason = RAWCACHE_REASON_open_mode;
	if (handle)
		return handle;
	if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC)
		return writer_make(file, *reason);
	return passing_make(file);
}

static void count_open(const struct candidate *file, enum rawcache_reason reason)
{
	if (reason == RAWCACHE_REASON_none) {
		stats_add(opens_cached, 1);
		return;
	}
	if (file->inside)
		stats_add(opens_bypassed, 1);
	rawcache_count_bypass(attach_cache_now(), reason);
}

static struct handle *examine_here(int fd, int flags, bool shared)
{
	enum rawcache_reason reason = RAWCACHE_REASON_no_memory;
	struct candidate file = { .fd = fd, .buf = pathbuf_get() };
	struct handle *handle = NULL;

	if (file.buf) {
		handle = candidate_track(&file, flags, shared, &reason);
		ahead_seen(handle, file.buf->path, flags, file.stx_ns);
		pathbuf_put(file.buf);
	}
	if (handle && fdtab_reserve(fd)) {
		handle_release(handle);
		handle = NULL;
		reason = RAWCACHE_REASON_large_fd;
	}
	count_open(&file, handle ? handle->reason : reason);
	return handle;
}

struct examination {
	int fd, flags;
	bool shared;
	struct handle *handle;
};

static void examination_run(void *arg)
{
	struct examination *e = arg;

	e->handle = examine_here(e->fd, e->flags, e->shared);
}

/* On a signal stack, or a coroutine's, there may be little room: another stack is used. */
static struct handle *examine(int fd, int flags, bool shared)
{
	struct examination e = { .fd = fd, .flags = flags, .shared = shared };
	struct critical critical;

	if (likely(stack_is_own()))
		return examine_here(fd, flags, shared);
	critical_enter(&critical);
	stack_call(examination_run, &e);
	critical_leave(&critical);
	return e.handle;
}

int track_opened_slow(int fd, int flags, bool shared)
{
	int saved = errno;
	struct handle *handle;

	fd_new(fd);
	if ((flags & FLAGS_NEVER && (flags & O_TMPFILE) != O_TMPFILE) || thread_is_foreign())
		return fd;
	if (!thread_enter()) {
		rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_nested);
		return fd;
	}
	/* libc has streams on the first three already */
	handle = examine(fd, flags, shared || fd <= STDERR_FILENO);
	if (handle) {
		handle = fdtab_swap(fd, handle);
		if (fdtab_is_handle(handle))
			handle_release(handle);
		fence_full(); /* either we see process_retire()'s change, or it sees ours */
		if (unlikely(!load_relaxed(&attach_active)))
			fd_forget(fd);
		else if (unlikely(process_shared_always))
			fd_share(fd);
	}
	thread_leave();
	if (attach_cache_now())
		loaded_begin();
	errno = saved;
	return fd;
}

struct handle *track_writer(int fd)
{
	struct handle *handle = track_get(fd);
	int flags;

	if (likely(!sign_any()) || thread_is_foreign())
		return handle;
	if (handle && past_look(handle, fd) != WATCH_OTHER)
		return handle;
	flags = sys_fcntl(fd, F_GETFL, 0);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return NULL;
	track_opened_slow(fd, flags, true);
	handle = fdtab_get(fd);
	return fdtab_is_handle(handle) ? handle : NULL;
}

struct handle *track_adopt(int fd)
{
	int saved = errno;
	struct handle *handle;
	int flags;

	if (process_is_foreign() || !thread_enter())
		return NULL;
	flags = sys_fcntl(fd, F_GETFL, 0);
	handle = flags < 0 || flags & FLAGS_NEVER ? NULL : examine(fd, flags, true);
	if (!fdtab_replace(fd, FDTAB_ADOPT, handle) && handle) {
		/* another thread came first */
		handle_release(handle);
		handle = NULL;
	}
	thread_leave();
	if (handle)
		loaded_begin();
	errno = saved;
	return handle;
}

/* Open the file of a handle anew: 0 with its number, or -errno with the reason. */
static int reader_reopen(struct candidate *file, uint64_t *number, enum rawcache_reason *reason)
{
	int err = -ESTALE;

	*reason = RAWCACHE_REASON_no_memory;
	file->buf = pathbuf_get();
	if (!file->buf)
		return -ENOMEM;
	if (candidate_examine(file, reason))
		err = rawcache_file_open_asked(attach_cache_now(), file->fd, file->buf->path,
					       &file->stx, file->stx_ns, number, reason);
	pathbuf_put(file->buf);
	return err;
}

bool track_revalidate(struct handle *handle, int fd)
{
	uint64_t generation = load_acquire(&handle->generation);
	struct candidate file = { .fd = fd };
	uint64_t number = RAWCACHE_NO_FILE;
	enum rawcache_reason reason;
	int err;

	if (fdtab_get(fd) != handle || handle_is_writer(handle) || candidate_look(&file, false))
		return false;
	rawcache_file_seen(attach_cache_now(), &file.stx); /* reported whatever the result is */
	err = reader_reopen(&file, &number, &reason);
	if (fdtab_get(fd) != handle) {
		/* it was closed meanwhile: we may have opened another file */
		if (!err)
			rawcache_file_put(attach_cache_now(), number);
		return false;
	}
	handle_set_file(handle, generation, err ? RAWCACHE_NO_FILE : number,
			err ? reason : RAWCACHE_REASON_none, &file.stx, file.stx_ms);
	return !err;
}
