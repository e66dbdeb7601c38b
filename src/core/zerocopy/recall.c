/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/recall.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>

#include <rawcache/embed.h>
#include <rawcache/zerocopy.h>

#include "base/critical.h"
#include "base/fdpath.h"
#include "base/sys.h"
#include "core/origin/file.h"
#include "core/origin/origin.h"
#include "core/shared/hold_ask.h"
#include "core/shared/watch.h"
#include "core/zerocopy/map_table.h"

/* --- the origin's pages instead */

void recall(struct rawcache *cache)
{
	struct critical critical;

	maps_lock(&cache->maps, &critical);
	maps_recall(cache);
	maps_unlock(&cache->maps, &critical);
}

void recall_asked(struct rawcache *cache)
{
	struct critical critical;

	if (!hold_asked_own(cache))
		return;
	maps_lock(&cache->maps, &critical);
	maps_yield(cache);
	maps_unlock(&cache->maps, &critical);
}

void recall_all(struct rawcache *cache)
{
	struct critical critical;

	maps_lock(&cache->maps, &critical);
	for (struct shown *shown = cache->maps.shown; shown; shown = shown->next)
		shown->ended = true;
	maps_recall(cache);
	maps_unlock(&cache->maps, &critical);
}

/* The file has these attributes now: end the pieces that show another state of it. */
static void recall_learn(struct rawcache *cache, const struct statx *stx)
{
	struct critical critical;
	bool any = false;

	if (!shown_any(cache))
		return;
	maps_lock(&cache->maps, &critical);
	for (struct shown *shown = cache->maps.shown; shown; shown = shown->next)
		if (shown_is_inode(shown, stx) && !shown_same(shown, stx))
			any = shown->ended = true;
	if (any)
		maps_recall(cache);
	maps_unlock(&cache->maps, &critical);
}

/* --- a new one */

/* The length of the path with its zero; 0: it has none. */
static size_t recalled_path(int fd, char *path)
{
	char link[FDPATH_BYTES];
	ssize_t n;

	fdpath(link, fd);
	n = SYS_CALL(__NR_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1, 0, 0);
	if (n <= 0 || *path != '/')
		return 0;
	path[n] = '\0';
	return (size_t)n + 1;
}

void recall_hide(struct rawcache *cache, struct shown *shown)
{
	pthread_mutex_lock(&cache->maps.lock);
	shown_less(cache, shown);
	pthread_mutex_unlock(&cache->maps.lock);
}

/* Whether the file system is on a local disk or in memory. A server is not asked for that. */
static bool is_local(const struct file *file, int fd)
{
	struct statfs fs;

	if (file->identity.look != LOOK_LOCAL || sys_fstatfs(fd, &fs))
		return false;
	switch ((uint32_t)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

/* An entry of a file that has none, and had none a moment ago: the kernel is asked for its path. */
static struct shown *recall_first(struct rawcache *cache, const struct file *file, uint32_t seen,
				  int fd)
{
	char path[PATH_MAX];
	size_t path_bytes = recalled_path(fd, path);
	bool local = is_local(file, fd);
	struct shown *shown;

	if (!path_bytes)
		return NULL;
	pthread_mutex_lock(&cache->maps.lock);
	shown = shown_of(cache, file, seen);
	if (!shown)
		shown = shown_make(cache, file, seen, path, path_bytes);
	if (shown)
		shown->local = local;
	pthread_mutex_unlock(&cache->maps.lock);
	return shown;
}

struct shown *recall_show(struct rawcache *cache, const struct file *file, int fd)
{
	uint32_t seen = load_acquire(&file->writer_seen);
	struct shown *shown;

	store_relaxed(&cache->withdraw, recall);
	store_release(&cache->learn, recall_learn);
	pthread_mutex_lock(&cache->maps.lock);
	shown = shown_of(cache, file, seen);
	pthread_mutex_unlock(&cache->maps.lock);
	if (!shown)
		shown = recall_first(cache, file, seen, fd);
	fence_full(); /* pairs with the fence of watch_demand(): one of the two sees the other */
	if (shown && (shown_written(shown) || watch_written(cache, shown->writer, WATCH_CALLS))) {
		recall_hide(cache, shown);
		return NULL;
	}
	return shown;
}

/* --- looks */

bool rawcache_maps_shown(const struct rawcache *cache)
{
	return cache && shown_any(cache);
}

/* Without the lock. *same: the path still names that file. If it cannot be asked, it counts as changed. */
static bool shown_unchanged(const struct shown *shown, bool local, bool *same)
{
	struct statx stx;

	*same = !sys_statx(AT_FDCWD, shown->path,
			   AT_NO_AUTOMOUNT | (local ? AT_STATX_DONT_SYNC : AT_STATX_FORCE_SYNC),
			   STATX_IDENTITY, &stx) &&
		shown_is_inode(shown, &stx);
	return *same && shown_same(shown, &stx);
}

/* The entry behind `before`, with a reference that replaces that of `before`. */
static struct shown *shown_next(struct rawcache *cache, struct shown *before)
{
	struct critical critical;
	struct shown *next;

	maps_lock(&cache->maps, &critical);
	next = before ? before->next : cache->maps.shown;
	shown_more(next);
	shown_less(cache, before);
	maps_unlock(&cache->maps, &critical);
	return next;
}

bool recall_look(struct rawcache *cache, bool local, uint32_t *locals)
{
	bool changed = false;

	*locals = 0;
	for (struct shown *shown = shown_next(cache, NULL); shown;
	     shown = shown_next(cache, shown)) {
		bool same;

		*locals += shown->local;
		if (shown->ended || (local && !shown->local) ||
		    shown_unchanged(shown, local, &same))
			continue;
		changed = true;
		store_relaxed(&shown->ended, true);
		/* other processes must learn of it too */
		if (same)
			fetch_add((uint32_t *)shown->writer, 1);
	}
	return changed;
}
