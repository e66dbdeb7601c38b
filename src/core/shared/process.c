/* SPDX-License-Identifier: MIT */
#include "core/shared/process.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/memory.h"
#include "core/shared/cache.h"
#include "core/shared/flight.h"
#include "core/shared/region_hold.h"
#include "core/shared/watch.h"

static struct rawcache_stats *totals_of(const struct rawcache *cache)
{
	return (struct rawcache_stats *)cache->image.totals;
}

uint32_t process_high(const struct rawcache *cache)
{
	uint32_t high = load_acquire(&cache->runtime.header->slots_high);

	return high < RUNTIME_SLOTS ? high : RUNTIME_SLOTS;
}

void process_stats(const struct rawcache *cache, uint32_t slot, struct rawcache_stats *stats)
{
	const struct runtime *runtime = &cache->runtime;

	memset(stats, 0, sizeof(*stats));
	stats_fold(stats, &runtime->slots[slot].stats);
	for (uint32_t i = 0; i < RUNTIME_BLOCKS; i++)
		if (load_acquire(&runtime->header->block_owner[i]) == slot + 1)
			stats_fold(stats, &runtime->blocks[i].stats);
}

/* Regions that a dead process was recycling may be taken again by any process. */
static void regions_disown(struct rawcache *cache, uint32_t slot)
{
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++) {
		uint32_t owner = slot + 1;

		if (load_relaxed(&cache->image.regions[n].owner) == owner)
			cas(&cache->image.regions[n].owner, &owner, 0);
	}
}

/* If the dead process was emptying regions for all, another process may do so now. */
static void evictor_disown(struct rawcache *cache, uint32_t slot)
{
	uint32_t mine = slot + 1;

	cas(&cache->runtime.header->evict_owner, &mine, 0);
}

/*
 * Fold a slot whose lock we hold. Every step leaves a state that can be folded again: a block is emptied
 * before it is given up.
 */
static void slot_fold(struct rawcache *cache, uint32_t slot)
{
	struct runtime *runtime = &cache->runtime;
	struct process_slot *s = &runtime->slots[slot];

	for (uint32_t i = 0; i < RUNTIME_BLOCKS; i++) {
		uint32_t *owner = &runtime->header->block_owner[i];

		if (load_acquire(owner) != slot + 1)
			continue;
		memory_expect(&runtime->blocks[i], sizeof(runtime->blocks[i]), false);
		stats_move(totals_of(cache), &runtime->blocks[i].stats);
		CRASH_POINT(fold_block);
		store_release(owner, 0);
	}
	stats_move(totals_of(cache), &s->stats);
	CRASH_POINT(fold_counters);
	regions_disown(cache, slot);
	evictor_disown(cache, slot);
	if (load_relaxed(&s->steps)) /* most have read only what is cached */
		flight_abandon(cache, slot);
	for (uint32_t i = 0; i < SLOT_PINS; i++)
		store_release(&s->pin[i], 0);
	CRASH_POINT(fold_pins);
	hold_clear(cache, slot);
	watch_clear(cache, slot);
	store_release(&s->used, 0);
	CRASH_POINT(fold_done);
}

/*
 * A lock that is tried on another file would succeed and declare living processes dead; so would one on the
 * description that a fork child shares with its parent.
 */
static int slot_lock(struct rawcache *cache, uint32_t slot, int type)
{
	if (!runtime_fd_valid(&cache->runtime))
		return -EBADF;
	return runtime_lock_byte(cache->runtime.fd, LOCK_SLOT + slot, type);
}

/*
 * A program may close the descriptor behind our back (a plain close_range()), while we still hold what it
 * has mapped. So a mapping keeps the description, and with it the lock. No child may inherit the mapping,
 * or the slot would outlive us.
 */
static void *slot_keep(const struct rawcache *cache)
{
	void *page = sys_mmap(NULL, FORMAT_PAGE, PROT_READ, MAP_SHARED, cache->runtime.fd, 0);

	if (sys_is_error(page))
		return NULL;
	if (sys_madvise(page, FORMAT_PAGE, MADV_DONTFORK)) {
		sys_munmap(page, FORMAT_PAGE);
		return NULL;
	}
	return page;
}

static void slot_init(struct rawcache *cache, uint32_t slot)
{
	struct process_slot *s = &cache->runtime.slots[slot];
	uint32_t high = load_acquire(&cache->runtime.header->slots_high);

	s->pid = (uint32_t)sys_getpid();
	s->steps = s->blamed_steps = 0;
	s->attached = clock_real_s();
	SYS_CALL(__NR_prctl, PR_GET_NAME, s->command, 0, 0, 0, 0);
	s->command[15] = '\0';
	while (high < slot + 1 && !cas(&cache->runtime.header->slots_high, &high, slot + 1))
		;
	store_release(&s->used, 1);
	cache->pins_used = 0;
	hold_begin(cache);
	cache->pid = sys_getpid();
	cache->slot_keeper = slot_keep(cache);
	watch_begin(cache, slot);
	/* must be last: other threads pin from here on */
	store_release(&cache->slot, (int32_t)slot);
}

/* Under process_lock: whether the owner of the slot lives. The slot of a dead one is folded. */
static bool slot_alive(struct rawcache *cache, uint32_t slot)
{
	/* our own, taken perhaps since the caller looked: its lock would not exclude us */
	if ((int32_t)slot == cache->slot || slot_lock(cache, slot, F_WRLCK))
		return true;
	if (load_acquire(&cache->runtime.slots[slot].used))
		slot_fold(cache, slot);
	slot_lock(cache, slot, F_UNLCK);
	return false;
}

/* What folding and taking a slot touch of the segment lies far apart. */
static void slot_expect(const struct rawcache *cache, uint32_t slot)
{
	const struct runtime *runtime = &cache->runtime;

	for (unsigned int set = 0; set < HOLD_SETS; set++)
		memory_expect(&runtime->holds[set][(size_t)slot * runtime->hold_words], 1, false);
	memory_expect(&runtime->slots[slot], sizeof(runtime->slots[slot]), false);
	memory_expect(&runtime->watch_rows[slot], sizeof(runtime->watch_rows[slot]), false);
	memory_expect(runtime->writers, 1, false);
}

int process_attach(struct rawcache *cache)
{
	if (!runtime_fd_valid(&cache->runtime))
		return -EBADF;
	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++) {
		/* our own lock would not exclude us */
		if ((int32_t)i == cache->slot || slot_lock(cache, i, F_WRLCK))
			continue;
		slot_expect(cache, i);
		if (load_acquire(&cache->runtime.slots[i].used))
			slot_fold(cache, i);
		CRASH_POINT(slot_locked);
		slot_init(cache, i);
		CRASH_POINT(slot_used);
		return 0;
	}
	return -EAGAIN;
}

void process_detach(struct rawcache *cache)
{
	if (cache->slot < 0)
		return;
	slot_fold(cache, (uint32_t)cache->slot);
	CRASH_POINT(detach_folded);
	slot_lock(cache, (uint32_t)cache->slot, F_UNLCK);
	if (cache->slot_keeper)
		sys_munmap(cache->slot_keeper, FORMAT_PAGE);
	cache->slot_keeper = NULL;
	cache->slot = -1;
}

bool process_alive(struct rawcache *cache, uint32_t slot)
{
	struct critical critical;
	bool alive;

	if (slot >= RUNTIME_SLOTS || (int32_t)slot == cache->slot)
		return slot < RUNTIME_SLOTS;
	/* locks of one description do not exclude each other: threads of this process need this one */
	critical_enter(&critical);
	pthread_mutex_lock(&cache->process_lock);
	alive = slot_alive(cache, slot);
	pthread_mutex_unlock(&cache->process_lock);
	critical_leave(&critical);
	return alive;
}

unsigned int process_reap(struct rawcache *cache)
{
	unsigned int live = 0;

	for (uint32_t i = 0; i < process_high(cache); i++)
		if (load_acquire(&cache->runtime.slots[i].used))
			live += process_alive(cache, i);
	return live;
}
