/* SPDX-License-Identifier: MIT */
#include "core/read/pass.h"

#include <sys/mman.h>

#include "base/compiler.h"
#include "base/sys.h"
#include "core/fill/fill.h"
#include "core/image/format.h"
#include "core/image/place.h"
#include "core/read/disk_stream.h"
#include "core/read/read_hot.h"
#include "core/read/copy_policy.h"
#include "core/read/resident.h"

/* from this size on a system call is as fast as a local file, see pass.h */
#define ASIDE_MIN 32768u
/* In `resident`: the chunk was read to its end before. */
#define CHUNK_PASSED (UINT64_C(1) << 63)

bool pass_reads(const struct rawcache *cache, const struct file *file, const struct want *want)
{
	return disk_stream_in_order(cache, file, want) &&
	       copy_policy_threshold_fixed(cache) == RAWCACHE_AUTO;
}

bool pass_keeps_out(const struct want *want, uint64_t resident)
{
	return want->length >= ASIDE_MIN && !(resident & pages_mask(want->skip, 1));
}

static void chunk_give_back(struct rawcache *cache, struct chunk *chunk, uint64_t place)
{
	const char *at = cache->image.data + ((uint64_t)CHUNK_PAGE(place) << FORMAT_PAGE_SHIFT);

	store_relaxed(&chunk->resident, CHUNK_PASSED);
	sys_madvise((void *)at, cache->chunk_bytes, MADV_DONTNEED);
}

void pass_mapped(struct rawcache *cache, struct file *file, uint64_t number, uint64_t place,
		 uint64_t resident)
{
	uint64_t first = load_relaxed(&file->disk_stream.passed);
	uint64_t block = load_relaxed(&file->disk_stream.passed_block);
	uint64_t most = RESIDENT_PAGES * (uint64_t)FORMAT_PAGE / cache->chunk_bytes;

	if (resident & CHUNK_PASSED || (first && block == resident_block(place)))
		return;
	store_relaxed(&file->disk_stream.passed, number + 1);
	store_relaxed(&file->disk_stream.passed_block, resident_block(place));
	for (uint64_t i = first; first && i < first + most && i != number + 1; i++) {
		struct chunk *chunk = file_chunk(file, i - 1);
		uint64_t at = chunk ? load_acquire(&chunk->place) : 0;

		if (place_current(&cache->image, at, cache->chunk_bytes) &&
		    resident_block(at) == block) {
			chunk_give_back(cache, chunk, at);
			resident_gave(cache, at);
		}
	}
}
