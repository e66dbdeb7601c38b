/* SPDX-License-Identifier: MIT */
#include "core/read/resident.h"

#include <sys/mman.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/origin/file.h"
#include "core/shared/cache.h"

#define BLOCK_BYTES (RESIDENT_PAGES * (uint64_t)FORMAT_PAGE)
#define RESIDENT_DEFAULT (UINT64_C(256) << 20) /* measured: docs/design/reading.md */
#define RESIDENT_MIN (UINT64_C(16) << 20) /* eight blocks: fewer would go and come all the time */
/* Of the blocks that are used, one part in so many goes at a time: a turn looks at each chunk that is known. */
#define TURN_PART 16u
/* Turns, and mapping as much anew, take one part in so many of the time. */
#define TURN_SHARE 32u
/* What it takes to map a block anew, chunk by chunk: measured, 5 to 10 us for a chunk of 256 KiB. */
#define BLOCK_MAP_NS 80000u

enum { BLOCK_OUT, BLOCK_IN, BLOCK_GOES };

static uint32_t blocks_number(const struct rawcache *cache)
{
	return (uint32_t)div_up(cache->image.data_bytes, BLOCK_BYTES);
}

/* Of `bytes` at `place`. */
static uint32_t block_last(uint64_t place, uint32_t bytes)
{
	return resident_block(place + ((bytes - 1) >> FORMAT_PAGE_SHIFT));
}

static uint32_t blocks_most(const struct rawcache *cache)
{
	uint64_t bytes = cache->options.resident ? cache->options.resident : RESIDENT_DEFAULT;

	return (uint32_t)min_u64(max_u64(bytes, RESIDENT_MIN) / BLOCK_BYTES, UINT32_MAX);
}

/* Not mapped by themselves: a mapping that appears while a program reads may lie where its buffer has just ended. */
static uint8_t *blocks_get(struct rawcache *cache)
{
	uint8_t *blocks = load_acquire(&cache->resident.blocks);
	uint8_t *none = NULL;
	struct critical critical;

	if (blocks)
		return blocks;
	critical_enter(&critical);
	blocks = memory_get(blocks_number(cache));
	if (blocks && !cas(&cache->resident.blocks, &none, blocks)) {
		memory_put(blocks, blocks_number(cache));
		blocks = none; /* another thread's */
	}
	critical_leave(&critical);
	return blocks;
}

static bool block_in(const struct rawcache *cache, uint32_t block)
{
	return block < blocks_number(cache) &&
	       load_relaxed(&cache->resident.blocks[block]) == BLOCK_IN;
}

/*
 * Chunks of which a part lies in no block that stays are not in memory any more, as far as this process knows. They
 * are those of the blocks that go, and those of which a page was marked when a piece of them was read by a system call.
 */
static void chunks_forget(struct rawcache *cache, struct file *file)
{
	uint64_t word = load_acquire(&file->chunks);
	struct chunk *table = chunks_table(word);

	for (uint64_t i = 0; table && i < chunks_count(word); i++) {
		uint64_t place = load_relaxed(&table[i].place);

		if (load_relaxed(&table[i].resident) &&
		    !(block_in(cache, resident_block(place)) &&
		      block_in(cache, block_last(place, cache->chunk_bytes))))
			store_relaxed(&table[i].resident, 0);
	}
}

/* Blocks from the hand on: how many are to go. */
static uint32_t blocks_choose(struct resident *resident, uint32_t number, uint32_t most)
{
	uint32_t chosen = 0;

	for (uint32_t i = 0; i < number && chosen < div_up(most, TURN_PART); i++) {
		uint8_t *block = &resident->blocks[resident->hand];

		resident->hand = (resident->hand + 1) % number;
		if (load_relaxed(block) == BLOCK_IN) {
			store_relaxed(block, BLOCK_GOES);
			chosen++;
		}
	}
	return chosen;
}

/* All that does not stay: a fault may have brought in some of what was not taken. */
static void blocks_give_back(struct rawcache *cache, uint32_t number)
{
	uint32_t end;

	for (uint32_t i = 0; i < number; i = end + 1) {
		for (end = i; end < number && !block_in(cache, end); end++)
			continue;
		if (end > i)
			sys_madvise((char *)cache->image.data + i * BLOCK_BYTES,
				    min_u64(end * BLOCK_BYTES, cache->image.data_bytes) -
					    i * BLOCK_BYTES,
				    MADV_DONTNEED);
	}
	for (uint32_t i = 0; i < number; i++) {
		if (load_relaxed(&cache->resident.blocks[i]) != BLOCK_GOES)
			continue;
		store_release(&cache->resident.blocks[i], BLOCK_OUT);
		fetch_sub(&cache->resident.count, 1);
	}
}

/* All blocks are used: whether there is room now. */
static bool resident_turn(struct rawcache *cache, uint32_t most)
{
	struct resident *resident = &cache->resident;
	uint32_t number = blocks_number(cache);
	uint64_t begun = clock_mono_ns();
	uint32_t chosen;

	if (begun < load_relaxed(&resident->after_ns) ||
	    __atomic_exchange_n(&resident->busy, 1, __ATOMIC_ACQUIRE))
		return false;
	chosen = blocks_choose(resident, number, most);
	files_each(cache, chunks_forget);
	blocks_give_back(cache, number);
	store_relaxed(&resident->after_ns,
		      begun + (clock_mono_ns() - begun + chosen * (uint64_t)BLOCK_MAP_NS) *
				      TURN_SHARE);
	store_release(&resident->busy, 0);
	return chosen;
}

static bool block_take(struct rawcache *cache, uint8_t *block, uint32_t most)
{
	uint8_t out = BLOCK_OUT;

	if (load_relaxed(block) == BLOCK_IN)
		return true;
	if (load_relaxed(&cache->resident.count) >= most && !resident_turn(cache, most))
		return false;
	if (cas(block, &out, BLOCK_IN))
		fetch_add(&cache->resident.count, 1);
	return load_relaxed(block) == BLOCK_IN;
}

bool resident_full(const struct rawcache *cache)
{
	return load_relaxed(&cache->resident.count) >= blocks_most(cache);
}

bool resident_take(struct rawcache *cache, uint64_t place, uint32_t bytes)
{
	uint8_t *blocks = blocks_get(cache);
	uint32_t most = blocks_most(cache);
	uint32_t first = resident_block(place);
	uint32_t last = block_last(place, bytes);

	if (!blocks || last >= blocks_number(cache))
		return false;
	return block_take(cache, &blocks[first], most) &&
	       (first == last || block_take(cache, &blocks[last], most));
}

void resident_gave(struct rawcache *cache, uint64_t place)
{
	uint8_t *blocks = load_acquire(&cache->resident.blocks);
	uint8_t in = BLOCK_IN;

	if (blocks && cas(&blocks[resident_block(place)], &in, BLOCK_OUT))
		fetch_sub(&cache->resident.count, 1);
}

void resident_fork_child(struct rawcache *cache)
{
	if (load_relaxed(&cache->resident.busy))
		blocks_give_back(cache, blocks_number(cache));
	store_relaxed(&cache->resident.busy, 0);
}

void resident_end(struct rawcache *cache)
{
	if (cache->resident.blocks)
		memory_put(cache->resident.blocks, blocks_number(cache));
	cache->resident.blocks = NULL;
}
