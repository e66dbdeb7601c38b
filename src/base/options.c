/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <rawcache/rawcache.h>

#include "base/sized.h"

void rawcache_options_init(struct rawcache_options *theirs, size_t size)
{
	struct rawcache_options options = { .struct_size = size };

	options.mmap_threshold = RAWCACHE_AUTO;
	options.readahead = 8u << 20;
	options.settle_ms = 2000;
	options.look_ms = 1000;
	options.sendfile = 1;
	sized_out(theirs, size, &options, sizeof(options));
}
