/* SPDX-License-Identifier: MIT */
/*
 * A file's bytes without a copy: mapped IMAGE FILE
 *
 * Maps FILE, puts what the cache has of it in the mapping's place, and writes all of it to standard output. Tells how
 * many bytes are the image's: the rest is the file's own mapping, so that the bytes are the same in any case.
 *
 *	cc mapped.c $(pkg-config --cflags --libs librawcache) -o mapped
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rawcache/zerocopy.h>

/* Without MAP_POPULATE only what is cached already, and a little more, would be taken from the image. */
static uint64_t from_image(struct rawcache *cache, const char *path, int fd,
			   const struct statx *stx, void **address)
{
	enum rawcache_reason reason = RAWCACHE_REASON_none;
	uint64_t file, bytes;

	if (rawcache_file_open(cache, fd, path, stx, &file, &reason)) {
		fprintf(stderr, "mapped: %s is not cached: %s\n", path,
			rawcache_reason_text(reason));
		return 0;
	}
	bytes = rawcache_file_map(cache, file, fd, address, stx->stx_size, PROT_READ,
				  MAP_PRIVATE | MAP_POPULATE, 0);
	rawcache_file_put(cache, file);
	return bytes;
}

/* The path has to be the canonical one: it is part of what the file is known by. */
static int show(struct rawcache *cache, const char *path)
{
	char canonical[PATH_MAX];
	struct statx stx;
	void *address;
	int fd = realpath(path, canonical) ? open(canonical, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx)) {
		perror(path);
		return -1;
	}
	address = mmap(NULL, stx.stx_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (address == MAP_FAILED) {
		perror(path);
		close(fd);
		return -1;
	}
	fprintf(stderr, "%" PRIu64 " of %" PRIu64 " bytes are the image's\n",
		from_image(cache, canonical, fd, &stx, &address), (uint64_t)stx.stx_size);
	fwrite(address, 1, stx.stx_size, stdout);
	munmap(address, stx.stx_size);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct rawcache_options options;
	enum rawcache_reason reason;
	struct rawcache *cache;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: mapped IMAGE FILE\n");
		return 2;
	}
	rawcache_options_init(&options, sizeof(options));
	options.device = argv[1];
	if (rawcache_attach(&options, &cache, &reason)) {
		fprintf(stderr, "mapped: %s: %s\n", argv[1], rawcache_reason_text(reason));
		return 1;
	}
	err = show(cache, argv[2]);
	rawcache_detach(cache);
	return err != 0;
}
