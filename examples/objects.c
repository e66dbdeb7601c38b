/* SPDX-License-Identifier: MIT */
/*
 * Objects by key: objects IMAGE KEY [FILE]
 *
 * With FILE its contents are stored under KEY for an hour; without, what is stored is written
 * to standard output, straight from the cache. Make the image with `rawcache format`.
 *
 *	cc objects.c $(pkg-config --cflags --libs librawcache) -o objects
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rawcache/object.h>

static int store(struct rawcache *cache, const char *key, const char *path)
{
	size_t max = rawcache_value_max(cache);
	char *bytes = malloc(max);
	FILE *file = fopen(path, "rb");
	int err = -1;

	if (bytes && file)
		err = rawcache_store(cache, key, strlen(key), bytes, fread(bytes, 1, max, file),
				     3600);
	if (file)
		fclose(file);
	free(bytes);
	return err;
}

static int show(struct rawcache *cache, const char *key)
{
	struct rawcache_view view;
	int err = rawcache_lookup_zero_copy(cache, key, strlen(key), &view);

	if (err)
		return err;
	fwrite(view.data, 1, view.length, stdout);
	rawcache_view_release(cache, &view);
	return 0;
}

int main(int argc, char **argv)
{
	enum rawcache_reason reason;
	struct rawcache_options options;
	struct rawcache *cache;
	int err;

	if (argc < 3) {
		fprintf(stderr, "usage: objects IMAGE KEY [FILE]\n");
		return 2;
	}
	rawcache_options_init(&options, sizeof(options));
	options.device = argv[1];
	err = rawcache_attach(&options, &cache, &reason);
	if (err) {
		fprintf(stderr, "objects: %s: %s\n", argv[1], rawcache_reason_text(reason));
		return 1;
	}
	err = argc > 3 ? store(cache, argv[2], argv[3]) : show(cache, argv[2]);
	if (err)
		fprintf(stderr, "objects: %s: %s\n", argv[2], err < 0 ? strerror(-err) : "?");
	rawcache_detach(cache);
	return err != 0;
}
