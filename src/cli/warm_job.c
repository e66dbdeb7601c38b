/* SPDX-License-Identifier: MIT */
#include "cli/warm_job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <rawcache/embed.h>
#include <rawcache/file.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/fdpath.h"
#include "base/sys.h"

#define PIECE (256u << 10) /* a chunk */

/* A file that could not be read has its error in the place of its key, of which no high half is 0. */
static void file_fail(struct filelist_file *file, int err)
{
	file->key[0] = 0;
	file->key[1] = (uint64_t)-err;
}

int warm_error(const struct filelist_file *file)
{
	return file->key[0] ? 0 : -(int)file->key[1];
}

static int warm_open(struct warm *warm, struct filelist_file *file, uint64_t *handle, int *fd)
{
	char self[FDPATH_BYTES];
	char path[PATH_MAX];
	struct statx stx;
	ssize_t n;
	int err = filelist_path(&warm->list, file, path);

	*fd = err ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0)
		return err ? err : -errno;
	fdpath(self, *fd);
	n = readlink(self, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	err = sys_fstatx(*fd, &stx);
	if (!err)
		err = rawcache_file_open(warm->cache, *fd, path, &stx, handle, NULL);
	if (!err)
		rawcache_file_key(warm->cache, *handle, file->key);
	return err;
}

/* Read what is not cached yet, and leave the rest alone. */
static int warm_read(struct warm *warm, uint64_t handle, int fd, char *buf)
{
	uint64_t size = rawcache_file_size(warm->cache, handle);

	/* chunks must lie side by side from the first one on */
	rawcache_file_advise(warm->cache, handle, fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (uint64_t at = 0; at < size; at += PIECE) {
		uint64_t n = min_u64(PIECE, size - at);
		ssize_t got = (ssize_t)n;

		if (rawcache_file_cached(warm->cache, handle, at, n) < n) {
			got = rawcache_file_read(warm->cache, handle, fd, buf, n, at);
			fetch_add(&warm->read, got > 0 ? (uint64_t)got : 0);
		}
		if (got < 0)
			return (int)got;
		fetch_add(&warm->done, (uint64_t)got);
	}
	return 0;
}

void warm_file(struct warm *warm, struct filelist_file *file, char *buf)
{
	uint64_t handle = RAWCACHE_NO_FILE;
	int fd = -1;
	int err = warm_open(warm, file, &handle, &fd);

	if (!err && buf)
		err = warm_read(warm, handle, fd, buf);
	if (handle != RAWCACHE_NO_FILE)
		rawcache_file_put(warm->cache, handle);
	if (fd >= 0)
		close(fd);
	if (err)
		file_fail(file, err);
}

uint64_t warm_cached(const struct warm *warm, const struct filelist_file *file)
{
	return file->key[0] ? rawcache_key_cached(warm->cache, file->key, file->size) : 0;
}

void *warm_job(void *arg)
{
	struct warm *warm = arg;
	char *buf = malloc(PIECE);
	size_t i;

	while (buf && (i = fetch_add(&warm->next, 1)) < warm->list.count)
		warm_file(warm, &warm->list.file[i], buf);
	free(buf);
	fetch_sub(&warm->running, 1);
	return NULL;
}
