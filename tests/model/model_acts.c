/* SPDX-License-Identifier: MIT */
/* What actors do: store, find, read, remove, drop, fetch, attach and detach. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/stats.h"
#include "core/index/index.h"
#include "core/index/verify.h"
#include "core/shared/flight.h"
#include "core/shared/pin.h"
#include "core/shared/process.h"
#include "core/shared/region_hold.h"
#include "core/space/region.h"
#include "cut.h"
#include "model_engine.h"
#include "model_sched.h"
#include "support.h"

#define LENGTH_MAX (2 * FORMAT_PAGE)

/* Fill the extent with its number, page by page; what the bytes' checksum is. */
static void stamp_write(struct rawcache *cache, struct store *s, const struct key *key)
{
	static uint64_t page[LENGTH_MAX / 8];
	uint64_t pages = (s->length + FORMAT_PAGE - 1) / FORMAT_PAGE;

	for (size_t i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = store_number(s);
	s->checksum = XXH3_64bits_withSeed(page, s->length, key->low);
	sum_note(s);
	for (uint32_t i = 0; i < pages; i++) {
		step_point();
		for (size_t n = 0; n < ARRAY_SIZE(page); n++) /* others were here meanwhile */
			page[n] = store_number(s);
		if (image_write(&cache->image, s->page + i, page, FORMAT_PAGE))
			wrong("the image cannot be written");
	}
}

uint64_t stamp_read(const struct rawcache *cache, const struct found *found)
{
	const char *p = cache->image.data + ((uint64_t)found->page << FORMAT_PAGE_SHIFT);
	uint64_t first;
	uint64_t last;

	memcpy(&first, p, 8);
	step_point();
	memcpy(&last, p + (uint64_t)((found->length - 1) / FORMAT_PAGE) * FORMAT_PAGE, 8);
	return first == last ? first : 0;
}

static void act_store(int process, uint32_t k)
{
	struct rawcache *cache = processes[process].cache;
	struct key key = key_at(k);
	uint32_t pages = 1 + (uint32_t)draw(draw(8) ? REGION_PAGES / 4 : REGION_PAGES);
	struct extent extent;
	struct held *pinned;
	struct store *s;
	int err;

	store_relaxed(&cache->vain_until_ms, 0); /* a schedule is shorter than a second */
	err = region_alloc(cache, REGION_PROBATION, pages, &extent);
	if (err && err != -EAGAIN && err != -EBUSY && err != -ETIMEDOUT)
		wrong("region_alloc says %d", err);
	if (err)
		return;
	cut_check(cache, &extent);
	pinned = held_add(process, region_of(cache, extent.page), extent.generation);
	s = store_begin(k, false);
	s->page = extent.page;
	s->length = (uint32_t)min_u64(extent.pages * FORMAT_PAGE, LENGTH_MAX) -
		    (uint32_t)draw(FORMAT_PAGE - 8);
	s->generation = extent.generation;
	stamp_write(cache, s, &key);
	s->begun = sched_steps();
	if (draw(8))
		err = index_store(cache, &key, s->page, s->length, s->generation, s->checksum);
	else
		err = -ECANCELED; /* it is given up */
	store_end(s, !err);
	sum.stores += !err;
	pinned->live = false;
	region_release(cache, &extent);
}

/* Read under a pin or a hold, for some time. */
static void read_pinned(int process, const struct found *found, uint64_t number, bool hold)
{
	enum hold_kind kind = draw(2) ? HOLD_FIRM : HOLD_YIELDS;
	struct rawcache *cache = processes[process].cache;
	uint32_t region = region_of(cache, found->page);
	int pin = hold ? hold_get(cache, region, found->generation, kind) :
			 pin_get(cache, region, found->generation);
	struct held *pinned;

	if (pin < 0) {
		sum.stale += pin == -ESTALE;
		return;
	}
	sum.pins++;
	pinned = held_add(process, region, found->generation);
	for (uint64_t n = draw(4) + 1; n; n--) {
		if (stamp_read(cache, found) != number)
			wrong("store %llu is read wrong under a %s", (unsigned long long)number,
			      hold ? "hold" : "pin");
		sched_yield_now();
	}
	pinned->live = false;
	if (hold)
		hold_put(cache, region, kind);
	else
		pin_put(cache, pin);
}

static void act_find(int process, uint32_t k)
{
	struct rawcache *cache = processes[process].cache;
	struct key key = key_at(k);
	uint64_t look = sched_steps();
	const struct store *s;
	struct found found;
	uint64_t stamp;

	sum.finds++;
	if (!index_find(cache, &key, &found))
		return;
	s = found_check(&found, k, look);
	sum.found++;
	if (draw(4))
		index_visit(cache, found.number);
	switch (draw(5)) {
	case 0:
		read_pinned(process, &found, store_number(s), false);
		break;
	case 1:
		read_pinned(process, &found, store_number(s), true);
		break;
	case 2:
		index_trust(cache, &key, &found);
		break;
	default:
		stamp = stamp_read(cache, &found);
		if (verify_current(cache, &found) && stamp != store_number(s))
			wrong("store %llu is read as %llu", (unsigned long long)store_number(s),
			      (unsigned long long)stamp);
	}
}

static void act_remove(int process, uint32_t k)
{
	struct key key = key_at(k);
	struct store *s = store_begin(k, true);
	int err = index_remove(processes[process].cache, &key, NULL);

	store_end(s, !err && sched_patient()); /* else it may not have had the lock */
}

static void act_drop(int process)
{
	struct store *s = store_begin(KEYS, true);

	store_end(s, !region_drop_all(processes[process].cache));
}

static void act_flight(int process, uint32_t k)
{
	struct rawcache *cache = processes[process].cache;
	struct key key = key_at(k);
	uint64_t place = 0;
	struct flight_need need = { FORMAT_PAGE, &place };
	struct claim claim;

	if (draw(2)) {
		if (!flight_try(cache, &key, &claim))
			return;
		sched_yield_now();
		flight_attend(&claim);
	} else if (flight_begin(cache, &key, &need, &claim) != FLIGHT_OWNER) {
		return;
	}
	for (uint64_t n = draw(20); n; n--)
		sched_yield_now();
	flight_end(cache, &claim);
}

static void act(int process)
{
	uint32_t k = (uint32_t)draw(KEYS);

	if (!kills_allowed && !draw(4))
		stats_forget(); /* as a thread that has not counted yet */
	switch (draw(64)) {
	case 0:
		if (!(seed % 2) || !draw(16)) /* or nothing grows old */
			act_drop(process);
		break;
	case 1:
	case 2:
		process_reap(processes[process].cache);
		break;
	case 3 ... 7:
		act_remove(process, k);
		break;
	case 8 ... 13:
		act_flight(process, k);
		break;
	case 14 ... 33:
		act_store(process, k);
		break;
	default:
		act_find(process, k);
	}
}

static void thread_body(void *arg)
{
	int process = (int)(intptr_t)arg;

	for (uint64_t n = draw(120); n && !stopping; n--)
		act(process);
}

void process_body(void *arg)
{
	int process = (int)(intptr_t)arg;
	struct process *p = &processes[process];
	struct rawcache_options options;

	p->state = PROCESS_ATTACHING;
	options_for(&options, image);
	options.manual_fork = 1;
	while (rawcache_attach(&options, &p->cache, NULL))
		sched_yield_now(); /* locks are busy: as an impatient program would */
	if (kills_allowed)
		stats_set_provider(NULL); /* all count as one process, some of which is killed */
	p->cache->image.sb.probes =
		0; /* regions are not detached: nothing is on its way to a socket */
	p->state = PROCESS_UP;
	if (draw(2))
		p->actor[1] = sched_spawn(thread_body, arg);
	thread_body(arg);
	while (p->actor[1] >= 0 && !sched_ended(p->actor[1]))
		sched_yield_now();
	p->state = PROCESS_LEAVING;
	rawcache_detach(p->cache);
	p->cache = NULL;
	p->state = PROCESS_NONE;
}
