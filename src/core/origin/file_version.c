/* SPDX-License-Identifier: MIT */
/*
 * Versions of a file: objects of one inode. Whether an object still describes the file, and who learns that
 * it does not.
 */
#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/image/key.h"
#include "core/origin/doubt.h"
#include "core/origin/file.h"
#include "core/origin/file_table.h"
#include "core/shared/cache.h"

static uint32_t inode_number(uint64_t device, uint64_t inode)
{
	uint64_t h = (device ^ inode) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(h >> 32) % INODES;
}

/* Whether the list has an object of the inode, from `link` on. */
static bool inode_listed(const struct file_link *link, uint64_t device, uint64_t inode)
{
	for (; link; link = link->same)
		if (link->file->inode == inode && link->file->device == device)
			return true;
	return false;
}

static bool list_has_versions(const struct file_link *link)
{
	for (; link; link = link->same)
		if (inode_listed(link->same, link->file->device, link->file->inode))
			return true;
	return false;
}

bool inode_has_versions(const struct files *files, const struct statx *stx)
{
	return load_relaxed(&files->versions[inode_number(sys_device(stx), stx->stx_ino)]);
}

void inode_leave(struct files *files, struct file_link *link)
{
	const struct file *file = link->file;
	uint32_t n = inode_number(file->device, file->inode);
	struct file_link **at = &files->inodes[n];

	while (*at && *at != link)
		at = &(*at)->same;
	if (*at)
		store_relaxed(at, link->same);
	if (files->versions[n])
		store_relaxed(&files->versions[n], list_has_versions(files->inodes[n]));
}

void inode_enter(struct files *files, struct file_link *link, const struct statx *stx)
{
	uint32_t n = inode_number(sys_device(stx), stx->stx_ino);

	if (inode_listed(files->inodes[n], sys_device(stx), stx->stx_ino))
		store_relaxed(&files->versions[n], true);
	store_relaxed(&link->file->inode, stx->stx_ino);
	store_relaxed(&link->file->device, sys_device(stx));
	link->same = files->inodes[n];
	store_relaxed(&files->inodes[n], link);
}

void inode_move(struct files *files, struct file_link *link, const struct statx *stx)
{
	if (link->file->inode == stx->stx_ino && link->file->device == sys_device(stx))
		return;
	inode_leave(files, link);
	inode_enter(files, link, stx);
}

static bool version_same(const struct identity *id, const struct statx *stx)
{
	return stx->stx_size == id->size && stx->stx_mtime.tv_sec == id->mtime_sec &&
	       stx->stx_mtime.tv_nsec == id->mtime_nsec && stx->stx_ctime.tv_sec == id->ctime_sec &&
	       stx->stx_ctime.tv_nsec == id->ctime_nsec;
}

unsigned int versions_open(struct files *files, const struct statx *stx, uint64_t *vouched)
{
	struct file_link *link = files->inodes[inode_number(sys_device(stx), stx->stx_ino)];
	unsigned int open = 0;

	*vouched = 0;
	for (; link; link = link->same) {
		const struct file *file = link->file;
		bool same = version_same(&file->identity, stx);

		if (file->inode != stx->stx_ino || file->device != sys_device(stx))
			continue;
		if (load_relaxed(&file->references))
			open |= same ? VERSION_SAME : VERSION_OTHER;
		if (!same)
			*vouched = max_u64(*vouched, load_relaxed(&file->vouched_ns));
	}
	return open;
}

uint32_t *file_writer(const struct rawcache *cache, const struct statx *stx)
{
	uint64_t h = sys_device(stx) ^ stx->stx_ino * UINT64_C(0x9e3779b97f4a7c15);

	if (!cache->runtime.header)
		return NULL;
	return &cache->runtime.writers[(h ^ h >> 29) % RUNTIME_WRITERS];
}

bool rawcache_file_known(const struct rawcache *cache, const struct statx *stx)
{
	return load_relaxed(&cache->files->inodes[inode_number(sys_device(stx), stx->stx_ino)]);
}

/*
 * This process has a version open that is not that of `stx`; or it has not this version open, and may be
 * opening another.
 */
static void versions_learn(const struct rawcache *cache, const struct statx *stx)
{
	struct files *files = cache->files;
	struct critical critical;
	unsigned int open;
	uint64_t vouched;

	if (!rawcache_file_known(cache, stx))
		return;
	files_lock(files, &critical);
	open = versions_open(files, stx, &vouched);
	/* under the lock: a thread that opens the file with older attributes compares under it too */
	if (!(open & VERSION_SAME))
		doubt_news(doubt_of(stx));
	if (open & VERSION_OTHER)
		doubt_changed(doubt_of(stx));
	files_unlock(files, &critical);
}

void mapped_learn(struct rawcache *cache, const struct statx *stx)
{
	if (cache && unlikely(load_acquire(&cache->learn) != NULL))
		cache->learn(cache, stx);
}

void rawcache_file_seen(struct rawcache *cache, const struct statx *stx)
{
	if (cache)
		versions_learn(cache, stx);
	mapped_learn(cache, stx);
}

void rawcache_file_doubt(struct rawcache *cache, const struct statx *stx, bool ask)
{
	if (cache)
		doubt_raise(doubt_of(stx), ask);
}

void file_over(const struct file *file, int fd)
{
	stats_bypass(RAWCACHE_REASON_changed);
	if (sys_fd_is(fd, load_relaxed(&file->device), load_relaxed(&file->inode)))
		doubt_changed(load_relaxed(&file->doubt));
}

bool file_is_version(const struct file *file, const struct statx *stx)
{
	return version_same(&file->identity, stx) && stx->stx_ino == load_relaxed(&file->inode) &&
	       sys_device(stx) == load_relaxed(&file->device);
}

bool file_is_as(const struct file *file, const struct statx *stx)
{
	return file_is_version(file, stx) && !file_announced(file) && !file_changed(file);
}

bool file_unchanged(const struct file *file, int fd)
{
	struct statx stx;

	return !sys_fstatx(fd, &stx) && file_is_version(file, &stx) && !file_written(file);
}
