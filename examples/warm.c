/* SPDX-License-Identifier: MIT */
/*
 * Files are put into a cache before somebody reads them: warm IMAGE FILE...
 *
 * Each file is opened as the cache's users open it, and read once through the cache. Prints how much of each was
 * cached before. What was read is stored a moment later, and rawcache_detach() waits for it.
 *
 *	cc warm.c $(pkg-config --cflags --libs librawcache) -o warm
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rawcache/file.h>

static int file_read(struct rawcache *cache, uint64_t file, int fd)
{
	static char buf[1 << 20];
	uint64_t at = 0;
	ssize_t n;

	while ((n = rawcache_file_read(cache, file, fd, buf, sizeof(buf), at)) > 0)
		at += (uint64_t)n;
	return (int)n;
}

/* The path has to be the canonical one: it is part of what the file is known by. */
static int file_warm(struct rawcache *cache, const char *path)
{
	enum rawcache_reason reason = RAWCACHE_REASON_none;
	char canonical[PATH_MAX];
	struct statx stx;
	uint64_t file;
	int fd = realpath(path, canonical) ? open(canonical, O_RDONLY | O_CLOEXEC) : -1;
	int err;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx)) {
		perror(path);
		return -1;
	}
	err = rawcache_file_open(cache, fd, canonical, &stx, &file, &reason);
	if (!err) {
		printf("%s: %" PRIu64 " of %" PRIu64 " bytes were cached\n", path,
		       rawcache_file_cached(cache, file, 0, rawcache_file_size(cache, file)),
		       rawcache_file_size(cache, file));
		err = file_read(cache, file, fd);
		rawcache_file_put(cache, file);
	} else {
		fprintf(stderr, "warm: %s is not cached: %s\n", path, rawcache_reason_text(reason));
	}
	close(fd);
	return err;
}

int main(int argc, char **argv)
{
	struct rawcache_options options;
	enum rawcache_reason reason;
	struct rawcache *cache;
	int status = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: warm IMAGE FILE...\n");
		return 2;
	}
	rawcache_options_init(&options, sizeof(options));
	options.device = argv[1];
	if (rawcache_attach(&options, &cache, &reason)) {
		fprintf(stderr, "warm: %s: %s\n", argv[1], rawcache_reason_text(reason));
		return 1;
	}
	for (int i = 2; i < argc; i++)
		if (file_warm(cache, argv[i]))
			status = 1;
	rawcache_detach(cache);
	return status;
}
