/* SPDX-License-Identifier: MIT */
/*
 * An image is made, described and emptied: images IMAGE [make MIB | forget PATH]
 *
 * Without more words what the image is, and which files it has. `make` makes one of so many MiB, `forget` lets go of
 * a file, or of a directory's files.
 *
 *	cc images.c $(pkg-config --cflags --libs librawcache) -o images
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rawcache/image.h>
#include <rawcache/tree.h>

static int image_make(const char *path, const char *mib)
{
	struct rawcache_format_options options;
	char why[200] = "";

	rawcache_format_options_init(&options, sizeof(options));
	options.size = strtoull(mib, NULL, 10) << 20;
	if (!rawcache_image_format(path, &options, why, sizeof(why)))
		return 0;
	fprintf(stderr, "images: %s\n", why);
	return -1;
}

static bool file_print(void *arg, const struct rawcache_cached_file *file)
{
	(void)arg;
	printf("%" PRIu64 " of %" PRIu64 " bytes of %s\n", file->cached, file->size, file->path);
	return true;
}

static int image_print(struct rawcache *cache)
{
	struct rawcache_image_info info;
	int err = rawcache_info(cache, &info, sizeof(info));

	if (err)
		return err;
	printf("%" PRIu64 " bytes, %u regions, %" PRIu64 " bytes used\n", info.size,
	       info.region_count, info.used_bytes);
	return rawcache_list(cache, file_print, NULL);
}

static int files_forget(struct rawcache *cache, const char *path)
{
	char canonical[PATH_MAX];
	uint64_t files, bytes;
	int err = rawcache_drop_path(cache, realpath(path, canonical) ? canonical : path, &files,
				     &bytes, NULL, NULL);

	if (!err)
		printf("%" PRIu64 " files, %" PRIu64 " bytes\n", files, bytes);
	return err;
}

int main(int argc, char **argv)
{
	struct rawcache_options options;
	enum rawcache_reason reason;
	struct rawcache *cache;
	int err;

	if (argc == 4 && !strcmp(argv[2], "make"))
		return image_make(argv[1], argv[3]) != 0;
	if (argc != 2 && (argc != 4 || strcmp(argv[2], "forget") != 0)) {
		fprintf(stderr, "usage: images IMAGE [make MIB | forget PATH]\n");
		return 2;
	}
	rawcache_options_init(&options, sizeof(options));
	options.device = argv[1];
	if (rawcache_attach(&options, &cache, &reason)) {
		fprintf(stderr, "images: %s: %s\n", argv[1], rawcache_reason_text(reason));
		return 1;
	}
	err = argc == 2 ? image_print(cache) : files_forget(cache, argv[3]);
	if (err)
		fprintf(stderr, "images: %s: %s\n", argv[1], strerror(-err));
	rawcache_detach(cache);
	return err != 0;
}
