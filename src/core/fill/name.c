/* SPDX-License-Identifier: MIT */
#include "core/fill/name.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/fdpath.h"
#include "base/sys.h"
#include "core/space/extent.h"

#define NAME_NUMBER (~UINT64_C(0)) /* no file has a chunk of this number */

static struct key key_of_name(const struct superblock *sb, const struct key *file)
{
	struct key key = key_of_chunk(sb, file, NAME_NUMBER);

	key.high = (key.high & ~UINT64_C(0xffffffff)) | NAME_TAG;
	return key;
}

/* Get the path behind `fd`, if it is the path in the file's key. Returns its length, or 0. */
static uint32_t name_path(const struct rawcache *cache, const struct file *file, int fd, char *path)
{
	struct identity identity = file->identity;
	char self[FDPATH_BYTES];
	struct key key;
	ssize_t n;

	fdpath_thread(self, fd);
	n = sys_readlinkat(AT_FDCWD, self, path, PATH_MAX);
	if (n <= 0 || n >= PATH_MAX)
		return 0;
	path[n] = '\0';
	identity.path = path;
	key = key_of_file(&cache->image.sb, &identity);
	return key.low == file->key.low && key.high == file->key.high ? (uint32_t)n : 0;
}

struct extent_piece name_make(struct rawcache *cache, struct file *file, int fd, char *buf)
{
	struct extent_piece piece = { key_of_name(&cache->image.sb, &file->key), 0 };
	struct name_record *record = (struct name_record *)buf;
	struct found found;

	if (load_relaxed(&file->name_stored))
		return piece;
	store_relaxed(&file->name_stored, 1);
	if (index_find(cache, &piece.key, &found))
		return piece;
	memcpy(record->magic, NAME_MAGIC, 8);
	record->key_low = file->key.low;
	record->key_high = file->key.high;
	record->size = file->size;
	record->mtime_sec = file->identity.mtime_sec;
	record->mtime_nsec = file->identity.mtime_nsec;
	record->path_bytes = name_path(cache, file, fd, (char *)(record + 1));
	if (record->path_bytes)
		piece.length = (uint32_t)sizeof(*record) + record->path_bytes;
	return piece;
}

void name_store(struct rawcache *cache, struct file *file, int fd)
{
	struct extent_piece piece;
	char *buf;

	if (load_relaxed(&file->name_stored))
		return;
	buf = buffer_get();
	if (!buf)
		return;
	piece = name_make(cache, file, fd, buf);
	if (piece.length)
		extent_store_pieces(cache, &piece, 1, buf, NULL);
	buffer_put(buf);
}
