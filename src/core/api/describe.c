/* SPDX-License-Identifier: MIT */
/* Describing images, and emptying them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rawcache/image.h>

#include "base/message.h"
#include "base/sized.h"
#include "base/sys.h"
#include "base/uuid.h"
#include "core/image/detach.h"
#include "core/image/format.h"
#include "core/image/image.h"
#include "core/image/superblock.h"
#include "core/index/index.h"
#include "core/shared/cache.h"
#include "core/shared/runtime.h"
#include "core/space/region.h"

static void info_fill(const struct superblock *sb, struct rawcache_image_info *info)
{
	memset(info, 0, sizeof(*info));
	uuid_format(sb->uuid, info->uuid);
	snprintf(info->runtime, sizeof(info->runtime), "rawcache-%s", info->uuid);
	info->version = sb->version;
	info->size = sb->image_bytes;
	info->data_offset = sb->data_offset;
	info->index_offset = sb->index_offset;
	info->region_size = 1u << sb->region_shift;
	info->region_count = sb->region_count;
	info->chunk_size = 1u << sb->chunk_shift;
	info->index_entries = (uint64_t)sb->bucket_count * BUCKET_ENTRIES;
	info->created = sb->created;
	info->epoch = sb->epoch;
	info->detach = detach_method(sb->probes);
	info->direct = sb->probes & FORMAT_PROBE_DIRECT;
	info->sendfile = info->detach != RAWCACHE_DETACH_NONE;
}

int rawcache_image_info(const char *path, struct rawcache_image_info *theirs, size_t size,
			char *text, size_t text_bytes)
{
	struct rawcache_image_info info = { 0 };
	struct message message = { text, text_bytes };
	struct superblock sb = { 0 };
	const char *why = "";
	struct statx stx;
	int64_t bytes;
	int err;
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0)
		return message_refuse(&message, fd, "it cannot be opened: %s", strerror(-fd));
	err = sys_fstatx(fd, &stx);
	bytes = err ? err : image_device_bytes(fd);
	if (bytes < 0)
		err = message_refuse(&message, (int)bytes,
				     "it is neither a regular file nor a block device");
	else if ((err = superblock_read(fd, (uint64_t)bytes, &sb, &why)))
		message_refuse(&message, err, "%s", why);
	else {
		info_fill(&sb, &info);
		info.block_device = S_ISBLK(stx.stx_mode);
		sized_out(theirs, size, &info, sizeof(info));
	}
	sys_close(fd);
	return err;
}

static bool info_count(void *arg, const struct key *key, const struct found *found)
{
	struct rawcache_image_info *info = arg;

	(void)key;
	info->used_entries++;
	info->used_bytes += found->length;
	return true;
}

int rawcache_info(struct rawcache *cache, struct rawcache_image_info *theirs, size_t size)
{
	struct rawcache_image_info info = { 0 };
	uint64_t stale = 0;
	uint64_t broken = 0;

	info_fill(&cache->image.sb, &info);
	info.block_device = cache->image.block_device;
	index_walk(cache, info_count, &info, &stale, &broken);
	sized_out(theirs, size, &info, sizeof(info));
	return 0;
}

bool rawcache_read_only(struct rawcache *cache)
{
	return cache->image.read_only;
}

int rawcache_drop_all(struct rawcache *cache)
{
	if (cache->image.read_only || !cache->runtime.header || cache->runtime.read_only)
		return -EROFS;
	return region_drop_all(cache);
}
