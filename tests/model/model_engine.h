/* SPDX-License-Identifier: MIT */
/* The model that model_engine.c compares the engine with: its stores and regions, and what actors do. */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/index/index.h"
#include "core/shared/process.h"
#include "model_sched.h"
#include "support.h"
#include "cut.h"

#define KEYS 27u
#define PROCESSES 4
#define STORES_MAX 8192u
#define REGIONS_MAX 32u
#define REGION_PAGES (TEST_REGION_BYTES / FORMAT_PAGE)
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

/* What was done, to see that the test tests something. */
struct sum {
	uint64_t finds, found, moved, stores, pins, stale, kills, recycled, steps;
};

#define wrong(...) \
	do { \
		tap_note(__VA_ARGS__); \
		tap_note("at step %llu of the schedule", (unsigned long long)sched_steps()); \
		_exit(1); \
	} while (0)

extern char image[512];
extern uint64_t seed;
extern bool stopping;
extern bool kills_allowed;
extern struct process processes[PROCESSES];
extern struct store stores[STORES_MAX];
extern struct held held[HELD_MAX];
extern struct sum sum, *total; /* of this schedule; of all, shared */

/* model_engine.c */
uint64_t draw(uint64_t n);
struct key key_at(uint32_t k);

/* model_rules.c */
struct store *store_begin(uint32_t key, bool removal);
void store_end(struct store *s, bool ok);
uint64_t store_number(const struct store *s);
void sum_note(const struct store *s);
const struct store *found_check(const struct found *found, uint32_t key, uint64_t look);
uint32_t region_of(const struct rawcache *cache, uint32_t page);
void cut_check(const struct rawcache *cache, const struct extent *e);
struct held *held_add(int process, uint32_t region, uint32_t generation);

/* model_acts.c */
/* The number at both ends of what was found, or 0 when they differ. */
uint64_t stamp_read(const struct rawcache *cache, const struct found *found);
void process_body(void *arg);

#endif
