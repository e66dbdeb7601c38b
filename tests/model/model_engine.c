/* SPDX-License-Identifier: MIT */
/*
 * The index, regions, pins, holds, flights and process slots against a simple model, in schedules
 * that a seed decides (model_sched.h): a few processes of one or two threads store, find, read,
 * remove, drop, attach and detach, and are killed between any two atomic steps.
 *
 * The model: every store has a number, of which its extent is full, and which its checksum tells.
 *  - What is found was stored under that key, and no store, removal or drop that began after it
 *    had ended was itself at its end when the look began. It may have been moved meanwhile.
 *  - What is read from it, with its generation looked at afterwards, or under a pin or a hold,
 *    are the bytes of that store.
 *  - Extents of one generation of a region do not overlap, and as long as a region is pinned no
 *    extent of a later generation is cut from it.
 *  - No process that lives loses its slot; when all are gone nothing is left of them.
 *
 *	--schedules N	(1000)
 *	--seed N	of the first schedule; a failure tells which one
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/stats.h"
#include "core/shared/flight.h"
#include "core/shared/region_hold.h"
#include "core/index/index.h"
#include "core/shared/pin.h"
#include "core/shared/process.h"
#include "core/space/region.h"
#include "core/index/verify.h"
#include "model_sched.h"
#include "pattern.h"
#include "support.h"
#include "cut.h"

#define KEYS 27u
#define BUCKETS_USED 3u
#define REGIONS_FEW 9u
#define PROCESSES 4
#define STORES_MAX 8192u
#define REGIONS_MAX 32u
#define REGION_PAGES (TEST_REGION_BYTES / FORMAT_PAGE)
#define LENGTH_MAX (2 * FORMAT_PAGE)
#define STEPS_LONGEST 3000000u
#define HELD_MAX 128

/* A store, or with `key` KEYS a drop of all, or with `removal` one of a key. */
struct store {
	uint32_t key;
	bool removal;
	bool ok;			   /* it came to its end and said 0 */
	uint64_t begun, ended;		   /* steps; ended 0: it was killed, or is under way */
	uint32_t page, length, generation; /* where it was stored first */
	uint64_t checksum;
};

/* Stores are found again by their checksums. */
#define SUMS (4 * STORES_MAX)

enum { PROCESS_NONE, PROCESS_ATTACHING, PROCESS_UP, PROCESS_LEAVING };

struct process {
	struct rawcache *cache;
	int state;
	int actor[2]; /* -1: none */
};

/* A region that somebody pins or holds, of that generation: live while `live`. */
struct held {
	bool live;
	int process;
	uint32_t region, generation;
};

static char image[512];
static uint64_t seed = 1;
static bool stopping;
static bool kills_allowed;
static struct process processes[PROCESSES];
static struct store stores[STORES_MAX];
static uint32_t store_count;
static uint32_t sums[SUMS]; /* number of a store, hashed by its checksum; 0: none */
static struct held held[HELD_MAX];
static uint64_t cut[REGIONS_MAX][REGION_PAGES]; /* generation + 1 of the last cut of the page */
static uint64_t random_state;
static struct sum { /* what was done, to see that the test tests something */
	uint64_t finds, found, moved, stores, pins, stale, kills, recycled, steps;
} sum, *total; /* of this schedule; of all, shared */

static uint64_t draw(uint64_t n)
{
	return pattern_random(&random_state) % n;
}

#define wrong(...) \
	do { \
		tap_note(__VA_ARGS__); \
		tap_note("at step %llu of the schedule", (unsigned long long)sched_steps()); \
		_exit(1); \
	} while (0)

static struct key key_at(uint32_t k)
{
	struct key key = { UINT64_C(0x1234567890000) * (k + 1),
			   (uint64_t)(k % BUCKETS_USED) << 61 | (k + 1) };

	return key;
}

/* --- the model of the index */

static struct store *store_begin(uint32_t key, bool removal)
{
	struct store *s = &stores[store_count++];

	if (store_count >= STORES_MAX)
		stopping = true;
	if (store_count > STORES_MAX - 64)
		die("too many stores");
	*s = (struct store){ .key = key, .removal = removal, .begun = sched_steps() };
	return s;
}

static void store_end(struct store *s, bool ok)
{
	s->ok = ok;
	s->ended = sched_steps();
}

/* Whether a look that began at `look` may find `s`. */
static const char *store_hidden(const struct store *s, uint32_t key, uint64_t look)
{
	if (s->removal || s->key != key)
		return "it was not stored under this key";
	if (s->ended && !s->ok)
		return "its store failed";
	for (uint32_t i = 0; s->ended && i < store_count; i++) {
		const struct store *later = &stores[i];

		if (later->ok && (later->key == key || later->key == KEYS) &&
		    later->begun > s->ended && later->ended < look)
			return later->removal ? "it was removed" : "it was replaced";
	}
	return NULL;
}

static uint64_t number_of(const struct store *s)
{
	return (uint64_t)(s - stores) + 1;
}

static void sum_note(const struct store *s)
{
	uint64_t at = s->checksum % SUMS;

	while (sums[at])
		at = (at + 1) % SUMS;
	sums[at] = (uint32_t)number_of(s);
}

static const struct store *sum_find(uint64_t checksum)
{
	for (uint64_t at = checksum % SUMS; sums[at]; at = (at + 1) % SUMS)
		if (stores[sums[at] - 1].checksum == checksum)
			return &stores[sums[at] - 1];
	wrong("found what nobody stored: %llx", (unsigned long long)checksum);
}

static const struct store *found_check(const struct found *found, uint32_t key, uint64_t look)
{
	const struct store *s = sum_find(found->checksum);
	const char *why = store_hidden(s, key, look);

	if (why)
		wrong("store %llu of key %u was found, though %s", (unsigned long long)number_of(s),
		      key, why);
	if (s->length != found->length)
		wrong("store %llu has another length", (unsigned long long)number_of(s));
	sum.moved += s->page != found->page || s->generation != found->generation;
	return s;
}

/* --- the model of regions */

static uint32_t region_of(const struct rawcache *cache, uint32_t page)
{
	return page >> cache->image.region_pages_shift;
}

static void cut_check(const struct rawcache *cache, const struct extent *e)
{
	uint32_t region = region_of(cache, e->page);
	uint32_t first = e->page & (cache->image.region_pages - 1);

	if (region >= cache->image.sb.region_count || first + e->pages > REGION_PAGES)
		wrong("an extent lies outside of its region");
	sum.recycled += cut[region][first] && cut[region][first] != UINT64_C(1) + e->generation;
	for (uint32_t i = 0; i < e->pages; i++) {
		if (cut[region][first + i] == UINT64_C(1) + e->generation)
			wrong("page %u of region %u was cut twice in generation %u", first + i,
			      region, e->generation);
		cut[region][first + i] = UINT64_C(1) + e->generation;
	}
	for (int i = 0; i < HELD_MAX; i++)
		if (held[i].live && held[i].region == region && held[i].generation != e->generation)
			wrong("region %u was recycled while process %d pinned it", region,
			      held[i].process);
}

static struct held *held_add(int process, uint32_t region, uint32_t generation)
{
	for (int i = 0; i < HELD_MAX; i++) {
		if (held[i].live)
			continue;
		held[i] = (struct held){ true, process, region, generation };
		return &held[i];
	}
	die("too many pins");
}

/* --- what actors do */

/* Fill the extent with its number, page by page; what the bytes' checksum is. */
static void stamp_write(struct rawcache *cache, struct store *s, const struct key *key)
{
	static uint64_t page[LENGTH_MAX / 8];
	uint64_t pages = (s->length + FORMAT_PAGE - 1) / FORMAT_PAGE;

	for (size_t i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = number_of(s);
	s->checksum = XXH3_64bits_withSeed(page, s->length, key->low);
	sum_note(s);
	for (uint32_t i = 0; i < pages; i++) {
		step_point();
		for (size_t n = 0; n < ARRAY_SIZE(page); n++) /* others were here meanwhile */
			page[n] = number_of(s);
		if (image_write(&cache->image, s->page + i, page, FORMAT_PAGE))
			wrong("the image cannot be written");
	}
}

/* The number at both ends of what was found, or 0 when they differ. */
static uint64_t stamp_read(const struct rawcache *cache, const struct found *found)
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
		read_pinned(process, &found, number_of(s), false);
		break;
	case 1:
		read_pinned(process, &found, number_of(s), true);
		break;
	case 2:
		index_trust(cache, &key, &found);
		break;
	default:
		stamp = stamp_read(cache, &found);
		if (verify_current(cache, &found) && stamp != number_of(s))
			wrong("store %llu is read as %llu", (unsigned long long)number_of(s),
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

static void process_body(void *arg)
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

/* --- a schedule */

static void process_start(int process)
{
	struct process *p = &processes[process];

	*p = (struct process){ .actor = { -1, -1 } };
	p->actor[0] = sched_spawn(process_body, (void *)(intptr_t)process);
}

/* What the kernel does for a killed process: its locks go with its descriptors and mappings. */
static void process_kill(int process)
{
	struct process *p = &processes[process];
	struct rawcache *cache = p->cache;

	for (int i = 0; i < 2; i++)
		if (p->actor[i] >= 0)
			sched_kill(p->actor[i]);
	for (int i = 0; i < HELD_MAX; i++)
		if (held[i].process == process)
			held[i].live = false;
	munmap((void *)cache->image.data, cache->image.data_bytes);
	munmap(cache->image.meta, cache->image.meta_bytes);
	munmap(cache->runtime.header, cache->runtime.bytes);
	munmap(cache->slot_keeper, FORMAT_PAGE);
	close(cache->image.fd);
	close(cache->runtime.fd);
	cache->image.data = NULL;
	cache->image.meta = NULL;
	cache->runtime.header = NULL;
	cache->slot_keeper = NULL;
	cache->image.fd = cache->runtime.fd = -1;
	cache->slot = SLOT_NONE;
	cache->blocks_out = 0;
	rawcache_detach(cache);
	p->cache = NULL;
	p->state = PROCESS_NONE;
	sum.kills++;
}

static void slots_check(void)
{
	for (int i = 0; i < PROCESSES; i++) {
		const struct rawcache *cache = processes[i].cache;

		if (processes[i].state != PROCESS_UP)
			continue;
		if (cache->slot < 0 || !cache->runtime.slots[cache->slot].used)
			wrong("process %d lives and has lost its slot", i);
		for (int j = 0; j < i; j++)
			if (processes[j].state == PROCESS_UP &&
			    processes[j].cache->slot == cache->slot)
				wrong("processes %d and %d have one slot", i, j);
	}
}

static void processes_run(uint64_t random)
{
	unsigned int starts = 0;
	unsigned int kills = kills_allowed ? 1 + (unsigned int)(pattern_random(&random) % 3) : 0;

	stopping = false;
	for (int i = 0; i < PROCESSES; i++)
		processes[i] = (struct process){ .actor = { -1, -1 } };
	do {
		int i = (int)(pattern_random(&random) % PROCESSES);

		if (processes[i].state == PROCESS_NONE &&
		    (processes[i].actor[0] < 0 || sched_ended(processes[i].actor[0])) &&
		    starts < 9) {
			process_start(i);
			starts++;
		} else if (processes[i].state == PROCESS_UP && kills &&
			   !(pattern_random(&random) % 512)) {
			process_kill(i);
			kills--;
		}
		if (sched_steps() > STEPS_LONGEST)
			wrong("it does not come to an end");
		slots_check();
	} while (sched_run() || starts < 9);
}

/* --- what must hold afterwards */

static bool entry_check(void *arg, const struct key *key, const struct found *found)
{
	struct rawcache *cache = arg;
	const struct store *s;

	for (uint32_t k = 0; k < KEYS; k++) {
		struct key one = key_at(k);

		if (one.low != key->low || (uint32_t)one.high != (uint32_t)key->high)
			continue;
		s = found_check(found, k, sched_steps() + 1);
		if (stamp_read(cache, found) != number_of(s))
			wrong("store %llu has other bytes in the end",
			      (unsigned long long)number_of(s));
		return true;
	}
	wrong("an entry of a key that nobody has");
}

static void left_check(struct rawcache *cache)
{
	struct runtime *runtime = &cache->runtime;

	if (process_reap(cache) != 1)
		wrong("%u processes are left", process_reap(cache) - 1);
	for (uint32_t i = 0; i < runtime->header->slots_high; i++) {
		for (uint32_t n = 0; n < SLOT_PINS; n++)
			if (runtime->slots[i].pin[n])
				wrong("a pin is left in slot %u", i);
		for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
			if (hold_by(cache, i, n))
				wrong("a hold is left in slot %u", i);
	}
	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		if (runtime->flights[i].claim)
			wrong("flight %u is left", i);
	if (runtime_lock(&runtime->header->region_lock))
		wrong("the region lock is held");
	runtime_unlock(&runtime->header->region_lock);
	for (uint32_t i = 0; i < RUNTIME_INDEX_LOCKS; i++) {
		if (runtime_lock(&runtime->header->index_lock[i]))
			wrong("index lock %u is held", i);
		runtime_unlock(&runtime->header->index_lock[i]);
	}
}

/* All regions can be filled again, twice. */
static void regions_check(struct rawcache *cache)
{
	struct extent extent;

	for (uint32_t i = 0; i < 2 * cache->image.sb.region_count; i++) {
		int err = region_alloc(cache, REGION_PROBATION, REGION_PAGES, &extent);

		if (err)
			wrong("a region is lost: error %d", err);
		cut_check(cache, &extent);
		region_release(cache, &extent);
	}
}

/* An image as if it had just been made, but for generations, which may be about to come round. */
static void image_reset(struct rawcache *cache, uint64_t random)
{
	static const uint32_t generations[] = { 0, 3790, 4090, 0x7ffffff0u, 0xfffffff0u };
	uint64_t r = pattern_random(&random);
	uint32_t generation = generations[r % ARRAY_SIZE(generations)];
	struct runtime_header *h = cache->runtime.header;
	uint32_t swept = generation - (r >> 8) % 3799;

	memset(cache->image.buckets, 0, cache->image.sb.bucket_count * sizeof(struct bucket));
	for (uint32_t i = 0; i < cache->image.sb.region_count; i++) {
		struct region *region = &cache->image.regions[i];

		memset(region, 0, sizeof(*region));
		/* in most schedules there are so few that data are soon in the way of others */
		region->state = seed % 4 && i >= REGIONS_FEW ? REGION_BAD : REGION_FREE;
		region->generation = generation;
		region->swept = generation ? swept : 0;
	}
	memset(h->active_region, 0, sizeof(h->active_region));
	memset(h->next_region, 0, sizeof(h->next_region));
	for (int log = 0; log < REGION_LOGS; log++) {
		memset(h->space[log].rest, 0, sizeof(h->space[log].rest));
		memset(h->space[log].run, 0, sizeof(h->space[log].run));
	}
	h->evict_region = h->evict_page = h->evict_owner = h->evict_credit = 0;
	memset(cache->runtime.ghosts, 0, cache->runtime.ghost_count * sizeof(uint64_t));
	cache->runtime.header->slots_high = 1;
	cache->image.state->order = 0;
	memset(cache->runtime.visited, 0, cache->runtime.visited_count);
	memset(cache->runtime.flights, 0, RUNTIME_FLIGHTS * sizeof(struct flight));
}

/* In a process of its own: a schedule depends on its seed and on nothing before it. */
static void schedule(void)
{
	struct rawcache *cache;
	uint64_t stale = 0;
	uint64_t broken = 0;

	random_state = seed;
	sched_reset(seed ^ 0x5ced);
	kills_allowed = seed & 1;
	cache = attach(image);
	image_reset(cache, seed);
	rawcache_detach(cache);
	processes_run(seed ^ 0xfa11);
	cache = attach(image);
	left_check(cache);
	index_walk(cache, entry_check, cache, &stale, &broken);
	if (broken)
		wrong("%llu entries are broken", (unsigned long long)broken);
	sum.steps += sched_steps();
	if (!(seed % 8))
		regions_check(cache);
	rawcache_detach(cache);
	for (size_t i = 0; i < sizeof(sum) / sizeof(uint64_t); i++)
		((uint64_t *)total)[i] += ((const uint64_t *)&sum)[i];
}

static bool schedule_run(void)
{
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(60);
		schedule();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		tap_note("signal %d", WTERMSIG(status));
	return !status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "schedules", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	unsigned int schedules = 1000;
	unsigned int done;
	bool right = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			schedules = (unsigned int)atoi(optarg);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
	snprintf(image, sizeof(image), "%s", scratch_path("image"));
	image_make(image, TEST_IMAGE_BYTES);
	total = mmap(NULL, sizeof(*total), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	for (done = 0; done < schedules && right; done += right, seed += right)
		right = schedule_run();
	tap_note(
		"%u schedules, %llu steps: %llu of %llu looks found something, %llu of that moved, "
		"%llu stores, %llu pins, %llu too late for one, %llu kills, %llu regions recycled",
		done, (unsigned long long)total->steps, (unsigned long long)total->found,
		(unsigned long long)total->finds, (unsigned long long)total->moved,
		(unsigned long long)total->stores, (unsigned long long)total->pins,
		(unsigned long long)total->stale, (unsigned long long)total->kills,
		(unsigned long long)total->recycled);
	tap_ok(right, "nothing that the model does not allow (seed %llu)",
	       (unsigned long long)seed);
	tap_ok(total->found && total->moved && total->stores && total->pins && total->kills &&
		       total->recycled,
	       "everything came to pass");
	return tap_end();
}
