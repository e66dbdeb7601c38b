/* SPDX-License-Identifier: MIT */
/* What the user can do about a reason why something went past the cache. */
#ifndef CLI_ADVICE_H
#define CLI_ADVICE_H

#include <stdint.h>

#include <rawcache/stats.h>

/* NULL: nothing, or the reason's text says it. */
const char *advice_of(unsigned int reason);

/* The same about one file that is not served. */
const char *advice_of_file(unsigned int reason);

/* What a program gets of a file that it opens for writing, too, and what helps. */
#define ADVICE_WRITERS \
	"served until it is written or mapped shared (open_mode), and not at all in programs that have io_uring or " \
	"make calls past libc; what only reads stays served: numpy.memmap with mode=\"r\", LMDB with readonly, " \
	"h5py and PHP with \"r\", qemu-io with -r, any program on a read-only mount"

/*
 * The reasons that were counted, most frequent first; `none` and `outside`, which nobody asked for, are
 * left out. Fills reasons[], returns their number.
 */
unsigned int advice_reasons(const struct rawcache_stats *stats,
			    unsigned int reasons[RAWCACHE_REASON_COUNT]);

#endif
