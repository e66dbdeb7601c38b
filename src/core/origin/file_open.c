/* SPDX-License-Identifier: MIT */
/* Opening a file: what identifies it, and whether it may be cached. */
#include <errno.h>
#include <string.h>

#include <rawcache/embed.h>
#include <rawcache/file.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "core/image/key.h"
#include "core/origin/doubt.h"
#include "core/origin/file.h"
#include "core/origin/file_table.h"
#include "core/origin/origin.h"
#include "core/origin/writing.h"
#include "core/shared/cache.h"
#include "core/shared/storage.h"
#include "core/shared/watch.h"

/* Two changes within a tick of the kernel's clock leave the same time behind. */
#define TICK_MS 20u
#define WHOLE_SECONDS_MS 2000u
/* No clock is that wrong: the time was set by a program. */
#define FUTURE_SET_NS (UINT64_C(2) * 86400 * 1000000000u)
/* How often attributes are read until they are not older than what others have seen meanwhile. */
#define LOOKS 4

static const uint32_t no_writer;

static void identity_from(const struct statx *stx, const struct origin *origin, const char *path,
			  struct identity *identity)
{
	memset(identity, 0, sizeof(*identity));
	identity->path = path;
	identity->origin[0] = origin->id[0];
	identity->origin[1] = origin->id[1];
	identity->inode = origin->unstable_inodes ? 0 : stx->stx_ino;
	identity->size = stx->stx_size;
	identity->mtime_sec = stx->stx_mtime.tv_sec;
	identity->mtime_nsec = stx->stx_mtime.tv_nsec;
	identity->ctime_sec = stx->stx_ctime.tv_sec;
	identity->ctime_nsec = stx->stx_ctime.tv_nsec;
	identity->look = origin->look;
}

/* Whether a change within the last `window_ms` would not show in the time. A time in the future: always. */
static bool time_recent(int64_t sec, uint32_t nsec, uint64_t now, uint64_t window_ms)
{
	if (sec < 0)
		return false;
	return (uint64_t)sec > UINT64_MAX / 2000000000u ||
	       (uint64_t)sec * 1000000000u + nsec + window_ms * 1000000 > now;
}

/* A modification time can be set to any value; the change time beside it is the server's own. */
static bool modified_recently(const struct identity *identity, const struct origin *origin,
			      uint64_t now, uint64_t window_ms)
{
	uint64_t future = now + FUTURE_SET_NS;

	return time_recent(identity->mtime_sec, identity->mtime_nsec, now, window_ms) &&
	       (origin->settable_times ||
		!time_recent(identity->mtime_sec, identity->mtime_nsec, future, 0));
}

/*
 * Whether the file may have changed so recently that another change would not show. A file system with
 * times in whole seconds has a tick of one second, or two (FAT).
 */
static bool identity_recent(const struct identity *identity, const struct origin *origin,
			    uint64_t window_ms)
{
	bool whole = !identity->mtime_nsec && !identity->ctime_nsec;
	uint64_t now = clock_file_ns();

	window_ms = max_u64(window_ms, whole ? WHOLE_SECONDS_MS + TICK_MS : TICK_MS);
	return time_recent(identity->ctime_sec, identity->ctime_nsec, now, window_ms) ||
	       modified_recently(identity, origin, now, window_ms);
}

static struct reasons reasons_of(const struct rawcache *cache, const struct statx *stx,
				 uint64_t asked_ns)
{
	const uint32_t *writer = file_writer(cache, stx);
	struct doubt *doubt = doubt_of(stx);

	return (struct reasons){ .writer = writer ? writer : &no_writer,
				 .doubt = doubt,
				 .writer_seen = writer ? load_acquire(writer) : 0,
				 .doubt_seen = load_acquire(&doubt->count),
				 .changes_seen = load_acquire(&doubt->changes),
				 .asked_ns = asked_ns };
}

static int refuse(enum rawcache_reason *reason, enum rawcache_reason why, int err)
{
	if (reason)
		*reason = why;
	return err;
}

/* A program that reads the file past the cache may then see newer bytes than its other handles give. */
static int refuse_seen(struct rawcache *cache, const struct statx *stx,
		       enum rawcache_reason *reason, enum rawcache_reason why, int err)
{
	rawcache_file_seen(cache, stx);
	doubt_news(doubt_of(stx));
	return refuse(reason, why, err);
}

/* -ESTALE: the attributes may be old. */
static int file_open_as(struct rawcache *cache, int fd, const char *path, const struct statx *stx,
			struct reasons *reasons, uint64_t *handle, enum rawcache_reason *reason)
{
	struct identity identity;
	struct origin origin;
	struct key key;
	bool local;
	int err;

	if (!stx->stx_size)
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_empty, -ENODATA);
	if (stx->stx_size > INT64_MAX)
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_special_fs, -EINVAL);
	mapped_learn(cache, stx);
	origin_of(fd, stx, &origin);
	local = origin.look == LOOK_LOCAL;
	if (cache->options.trust)
		origin.look = LOOK_LOCAL;
	if (origin.special || origin.look == LOOK_NEVER)
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_special_fs, -EINVAL);
	identity_from(stx, &origin, path, &identity);
	if (origin.subvolumes && !origin_subvolume(fd, stx, &identity.subvolume))
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_special_fs, -EINVAL);
	/* the generation was read before this look: see rawcache_file_stores_begin() */
	if (watch_written(cache, file_writer(cache, stx), WATCH_STORES))
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_stores, -EAGAIN);
	if (identity_recent(&identity, &origin, cache->options.settle_ms))
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_unsettled, -EAGAIN);
	key = key_of_file(&cache->image.sb, &identity);
	if (file_reopen(cache, &key, stx, reasons, handle))
		return 0;
	/* asked after the attributes were read: a call that begins later changes them before it changes bytes */
	if (local && writing_now(fd, stx))
		return refuse_seen(cache, stx, reason, RAWCACHE_REASON_unsettled, -EAGAIN);
	err = file_get(cache, &key, &identity, stx, reasons, handle);
	if (err == -ESTALE)
		return refuse(reason, RAWCACHE_REASON_changed, err);
	return err ? refuse(reason, RAWCACHE_REASON_no_memory, err) : 0;
}

int rawcache_file_open_asked(struct rawcache *cache, int fd, const char *path,
			     const struct statx *stx, uint64_t asked_ns, uint64_t *handle,
			     enum rawcache_reason *reason)
{
	struct reasons reasons = reasons_of(cache, stx, asked_ns);
	int err = -ESTALE;

	if (!storage_probe(cache))
		return refuse(reason, RAWCACHE_REASON_io_error, -EIO);
	/* the attributes must not be older than the reasons that were read before */
	if (!reasons.writer_seen && !reasons.doubt_seen && !reasons.changes_seen)
		err = file_open_as(cache, fd, path, stx, &reasons, handle, reason);
	for (int i = 0; i < LOOKS && err == -ESTALE; i++) {
		struct statx fresh;

		reasons = reasons_of(cache, stx, clock_mono_ns());
		err = doubt_look(reasons.doubt, fd, &fresh);
		if (err)
			return refuse(reason, RAWCACHE_REASON_changed, err);
		err = file_open_as(cache, fd, path, &fresh, &reasons, handle, reason);
	}
	return err;
}

bool file_look(struct rawcache *cache, const struct file *file, int fd)
{
	struct reasons reasons;
	struct statx stx;
	uint64_t handle;
	bool same;

	if (sys_fstatx(fd, &stx))
		return false;
	reasons = reasons_of(cache, &stx, clock_mono_ns());
	if (doubt_look(reasons.doubt, fd, &stx) || !file_is_version(file, &stx) ||
	    reasons.writer_seen != load_relaxed(&file->writer_seen) ||
	    !file_reopen(cache, &file->key, &stx, &reasons, &handle))
		return false;
	same = handle == file_handle(file);
	file_release(cache, file_at(cache, handle));
	return same;
}

int rawcache_file_open(struct rawcache *cache, int fd, const char *path, const struct statx *stx,
		       uint64_t *handle, enum rawcache_reason *reason)
{
	return rawcache_file_open_asked(cache, fd, path, stx, 0, handle, reason);
}

uint64_t rawcache_file_size(struct rawcache *cache, uint64_t handle)
{
	const struct file *file = file_at(cache, handle);
	uint64_t size = file ? load_relaxed(&file->size) : 0;

	return file && file_is(file, handle) ? size : 0;
}
