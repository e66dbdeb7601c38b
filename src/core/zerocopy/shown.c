/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/shown.h"

#include <string.h>

#include "base/memory.h"
#include "base/sys.h"
#include "core/origin/file.h"
#include "core/shared/watch.h"

static bool shown_is(const struct shown *shown, const struct file *file, uint32_t writer_seen)
{
	const struct identity *id = &file->identity;

	return !shown->ended && shown->writer == load_relaxed(&file->writer) &&
	       shown->writer_seen == writer_seen && shown->inode == load_relaxed(&file->inode) &&
	       shown->device == load_relaxed(&file->device) && shown->size == id->size &&
	       shown->mtime_sec == id->mtime_sec && shown->mtime_nsec == id->mtime_nsec &&
	       shown->ctime_sec == id->ctime_sec && shown->ctime_nsec == id->ctime_nsec;
}

bool shown_same(const struct shown *shown, const struct statx *stx)
{
	return shown->size == stx->stx_size && shown->mtime_sec == stx->stx_mtime.tv_sec &&
	       shown->mtime_nsec == stx->stx_mtime.tv_nsec &&
	       shown->ctime_sec == stx->stx_ctime.tv_sec &&
	       shown->ctime_nsec == stx->stx_ctime.tv_nsec;
}

bool shown_is_inode(const struct shown *shown, const struct statx *stx)
{
	return shown->inode == stx->stx_ino && shown->device == sys_device(stx);
}

/* Under the lock. */
static struct shown *shown_find(struct rawcache *cache, const struct file *file, uint32_t seen)
{
	struct shown *shown = cache->maps.shown;

	while (shown && !shown_is(shown, file, seen))
		shown = shown->next;
	return shown;
}

/* Under the lock. */
static struct shown *shown_make(struct rawcache *cache, const struct file *file, uint32_t seen,
				const char *path, size_t path_bytes)
{
	const struct identity *id = &file->identity;
	struct shown *shown = memory_get(sizeof(*shown) + path_bytes);

	if (!shown)
		return NULL;
	*shown = (struct shown){ .next = cache->maps.shown,
				 .writer = load_relaxed(&file->writer),
				 .writer_seen = seen,
				 .device = load_relaxed(&file->device),
				 .inode = load_relaxed(&file->inode),
				 .size = id->size,
				 .mtime_sec = id->mtime_sec,
				 .mtime_nsec = id->mtime_nsec,
				 .ctime_sec = id->ctime_sec,
				 .ctime_nsec = id->ctime_nsec,
				 .path_bytes = path_bytes };
	memcpy(shown->path, path, path_bytes);
	if (watch_show(cache, shown->writer)) {
		memory_put(shown, sizeof(*shown) + path_bytes);
		return NULL;
	}
	store_relaxed(&cache->maps.shown, shown);
	return shown;
}

struct shown *shown_of(struct rawcache *cache, const struct file *file, uint32_t seen,
		       const char *path, size_t path_bytes)
{
	struct shown *shown = shown_find(cache, file, seen);

	return shown_more(shown ? shown : shown_make(cache, file, seen, path, path_bytes));
}

struct shown *shown_more(struct shown *shown)
{
	if (shown)
		shown->references++;
	return shown;
}

void shown_less(struct rawcache *cache, struct shown *shown)
{
	struct shown **link = &cache->maps.shown;

	if (!shown || --shown->references)
		return;
	while (*link != shown)
		link = &(*link)->next;
	store_relaxed(link, shown->next);
	watch_hide(cache, shown->writer);
	memory_put(shown, sizeof(*shown) + shown->path_bytes);
}
