/* SPDX-License-Identifier: MIT */
/* What a program has touched of a mapping that is followed, as the kernel's table of its pages tells. */
#include "core/zerocopy/map_follow_list.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/proctable.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/shared/cache.h"

#define LOOK_PAGES 512u /* what one page of the processor's tables tells of: 2 MiB */

uint64_t followed_chunks(const struct followed *followed)
{
	return (followed->offset + followed->length - 1) / followed->cache->chunk_bytes -
	       followed->first + 1;
}

/* Chunks [bit, end), of at most LOOK_PAGES: those of which a page is in the program's mapping are touched. */
static int chunks_look(struct followed *followed, int pagemap, uint64_t bit, uint64_t end)
{
	uint64_t chunk_bytes = followed->cache->chunk_bytes;
	uint64_t from = max_u64((followed->first + bit) * chunk_bytes, followed->offset);
	uint64_t to = min_u64((followed->first + end) * chunk_bytes,
			      followed->offset + followed->length);
	uint64_t page = (followed->start + (from - followed->offset)) >> FORMAT_PAGE_SHIFT;
	uint64_t pages[LOOK_PAGES];
	ssize_t got = sys_pread(pagemap, pages, (to - from + FORMAT_PAGE - 1) / FORMAT_PAGE * 8,
				page * 8);

	for (ssize_t i = 0; i < got / 8; i++) {
		uint64_t at = (from + (uint64_t)i * FORMAT_PAGE) / chunk_bytes - followed->first;

		if (!(pages[i] & PAGEMAP_PRESENT) || bit_get(followed->touched, at))
			continue;
		bit_set(followed->touched, at);
		followed->new_page_ms = clock_coarse_ms();
	}
	return got < 0 ? (int)got : 0;
}

int followed_look(struct followed *followed, int pagemap, uint64_t bit, uint64_t end)
{
	uint64_t step = LOOK_PAGES * FORMAT_PAGE / followed->cache->chunk_bytes;
	bool all = true;

	for (uint64_t at = bit, to; at < end; at = to) {
		int err;

		to = min_u64(at + step, end);
		while (at < to && bit_get(followed->touched, at))
			at++;
		err = at < to ? chunks_look(followed, pagemap, at, to) : 0;
		if (err)
			return err;
	}
	for (; bit < end && all; bit++)
		all = bit_get(followed->touched, bit);
	return all;
}
