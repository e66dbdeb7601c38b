/* SPDX-License-Identifier: MIT */
/* The files of which an image has some bytes: all, or those at and below some paths. */
#ifndef CLI_CACHEDLIST_H
#define CLI_CACHEDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rawcache;

struct cachedlist_file {
	char *path;
	uint64_t size, cached;
	int64_t mtime_sec; /* of the state of the file that is cached */
	uint32_t mtime_nsec;
};

struct cachedlist {
	struct cachedlist_file *file;
	size_t count, room;
	char **paths; /* what is wanted, canonical; none: all */
	int path_count;
	bool failed;
};

/* Look for the files below `paths`, whose entries become canonical. GO_ON or a status. */
int cachedlist_load(struct cachedlist *list, struct rawcache *cache, char **paths, int path_count);
void cachedlist_fini(struct cachedlist *list);

#endif
