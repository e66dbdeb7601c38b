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
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "core/index/index.h"
#include "core/index/verify.h"
#include "core/shared/flight.h"
#include "core/shared/process.h"
#include "core/shared/region_hold.h"
#include "core/space/region.h"
#include "cut.h"
#include "model_engine.h"
#include "model_sched.h"
#include "pattern.h"
#include "support.h"

#define BUCKETS_USED 3u
#define REGIONS_FEW 9u
#define STEPS_LONGEST 3000000u

char image[512];
uint64_t seed = 1;
bool stopping;
bool kills_allowed;
struct process processes[PROCESSES];
struct store stores[STORES_MAX];
struct held held[HELD_MAX];
static uint64_t random_state;
struct sum sum, *total; /* of this schedule; of all, shared */

uint64_t draw(uint64_t n)
{
	return pattern_random(&random_state) % n;
}

struct key key_at(uint32_t k)
{
	struct key key = { UINT64_C(0x1234567890000) * (k + 1),
			   (uint64_t)(k % BUCKETS_USED) << 61 | (k + 1) };

	return key;
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
		if (stamp_read(cache, found) != store_number(s))
			wrong("store %llu has other bytes in the end",
			      (unsigned long long)store_number(s));
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
	memset(cache->runtime.visits, 0, cache->runtime.visits_count);
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
