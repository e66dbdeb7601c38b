/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/shown.h"

#include <string.h>

#include "base/clock.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/origin/file.h"
#include "core/shared/watch.h"

/*
 * So long is believed what the kernel said of a file's path, which may be renamed, and of its file system, whose
 * device number may become another's. A path that is wrong costs a mapping, no wrong byte: a look finds another file.
 */
#define LEFT_MS 1000u

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

/* The file as it is now; the path and what was asked with it stay. */
static void shown_fill(struct shown *shown, const struct file *file, uint32_t seen)
{
	const struct identity *id = &file->identity;

	shown->writer = load_relaxed(&file->writer);
	shown->writer_seen = seen;
	shown->device = load_relaxed(&file->device);
	shown->inode = load_relaxed(&file->inode);
	shown->size = id->size;
	shown->mtime_sec = id->mtime_sec;
	shown->mtime_nsec = id->mtime_nsec;
	shown->ctime_sec = id->ctime_sec;
	shown->ctime_nsec = id->ctime_nsec;
}

static void shown_free(struct shown *shown)
{
	memory_put(shown, sizeof(*shown) + shown->path_bytes);
}

/* Under the lock: enter it, with a reference. It is freed if a writer could not be detected. */
static struct shown *shown_enter(struct rawcache *cache, struct shown *shown)
{
	if (watch_show(cache, shown->writer)) {
		shown_free(shown);
		return NULL;
	}
	shown->references = 1;
	shown->next = cache->maps.shown;
	store_relaxed(&cache->maps.shown, shown);
	return shown;
}

struct shown *shown_make(struct rawcache *cache, const struct file *file, uint32_t seen,
			 const char *path, size_t path_bytes)
{
	struct shown *shown = memory_get(sizeof(*shown) + path_bytes);

	if (!shown)
		return NULL;
	shown_fill(shown, file, seen);
	shown->asked_ms = clock_coarse_ms();
	shown->path_bytes = path_bytes;
	memcpy(shown->path, path, path_bytes);
	return shown_enter(cache, shown);
}

/* --- files that are mapped again and again */

static struct shown **left_place(struct rawcache *cache, uint64_t inode)
{
	return &cache->maps.shown_left[inode % MAPS_LEFT];
}

/* The file's last piece is gone: keep the entry for the next. One that has ended may have another path. */
static void left_put(struct rawcache *cache, struct shown *shown)
{
	struct shown **place = left_place(cache, shown->inode);

	if (shown->ended) {
		shown_free(shown);
		return;
	}
	if (*place)
		shown_free(*place);
	*place = shown;
}

static struct shown *left_take(struct rawcache *cache, const struct file *file)
{
	uint64_t inode = load_relaxed(&file->inode);
	struct shown **place = left_place(cache, inode);
	struct shown *shown = *place;

	if (!shown || shown->inode != inode || shown->device != load_relaxed(&file->device))
		return NULL;
	*place = NULL;
	if (clock_coarse_ms() - shown->asked_ms < LEFT_MS)
		return shown;
	shown_free(shown);
	return NULL;
}

struct shown *shown_of(struct rawcache *cache, const struct file *file, uint32_t seen)
{
	struct shown *shown = shown_find(cache, file, seen);

	if (shown)
		return shown_more(shown);
	shown = left_take(cache, file);
	if (!shown)
		return NULL;
	shown_fill(shown, file, seen);
	return shown_enter(cache, shown);
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
	left_put(cache, shown);
}

void shown_end(struct rawcache *cache)
{
	struct critical critical;

	critical_enter(&critical);
	for (uint32_t i = 0; i < MAPS_LEFT; i++)
		if (cache->maps.shown_left[i])
			shown_free(cache->maps.shown_left[i]);
	critical_leave(&critical);
}
