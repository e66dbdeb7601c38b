/* SPDX-License-Identifier: MIT */
/* What an image holds: the largest files and directories, those read most, and its regions. */
#ifndef CLI_HOLDINGS_H
#define CLI_HOLDINGS_H

#include "cli/target.h"

#define HOLDINGS_TOP 10u /* a list that is read at a glance */

struct holding {
	char *name;
	uint64_t cached;
	uint64_t reread; /* see struct rawcache_cached_file */
	uint64_t size;	 /* of a file; of a directory, of its files that are listed */
	uint64_t files;	 /* of a directory, at any depth */
};

struct holdings {
	struct holding file[HOLDINGS_TOP], directory[HOLDINGS_TOP];
	struct holding read[HOLDINGS_TOP]; /* files that were read again most */
	size_t file_count, directory_count, read_count;
	uint64_t files, cached; /* in all */
	struct rawcache_region *region;
	size_t region_count;
};

/* Look at an attached image. GO_ON or a status; on GO_ON owes holdings_fini(). */
int holdings_take(struct rawcache *cache, struct holdings *holdings);

/* The same for the regions alone, which takes no walk through the index. */
int holdings_regions(struct rawcache *cache, struct holdings *holdings);
void holdings_fini(struct holdings *holdings);

#endif
