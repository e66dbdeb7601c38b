/* SPDX-License-Identifier: MIT */
/* The model: what may be found, and which pages may be cut. */
#include <unistd.h>

#include "core/index/index.h"
#include "cut.h"
#include "model_engine.h"
#include "model_sched.h"
#include "support.h"

static uint32_t store_count;
static uint32_t sums[SUMS]; /* number of a store, hashed by its checksum; 0: none */
static uint64_t cut[REGIONS_MAX][REGION_PAGES]; /* generation + 1 of the last cut of the page */

/* --- the model of the index */

struct store *store_begin(uint32_t key, bool removal)
{
	struct store *s = &stores[store_count++];

	if (store_count >= STORES_MAX)
		stopping = true;
	if (store_count > STORES_MAX - 64)
		die("too many stores");
	*s = (struct store){ .key = key, .removal = removal, .begun = sched_steps() };
	return s;
}

void store_end(struct store *s, bool ok)
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

uint64_t store_number(const struct store *s)
{
	return (uint64_t)(s - stores) + 1;
}

void sum_note(const struct store *s)
{
	uint64_t at = s->checksum % SUMS;

	while (sums[at])
		at = (at + 1) % SUMS;
	sums[at] = (uint32_t)store_number(s);
}

static const struct store *sum_find(uint64_t checksum)
{
	for (uint64_t at = checksum % SUMS; sums[at]; at = (at + 1) % SUMS)
		if (stores[sums[at] - 1].checksum == checksum)
			return &stores[sums[at] - 1];
	wrong("found what nobody stored: %llx", (unsigned long long)checksum);
}

const struct store *found_check(const struct found *found, uint32_t key, uint64_t look)
{
	const struct store *s = sum_find(found->checksum);
	const char *why = store_hidden(s, key, look);

	if (why)
		wrong("store %llu of key %u was found, though %s",
		      (unsigned long long)store_number(s), key, why);
	if (s->length != found->length)
		wrong("store %llu has another length", (unsigned long long)store_number(s));
	sum.moved += s->page != found->page || s->generation != found->generation;
	return s;
}

/* --- the model of regions */

uint32_t region_of(const struct rawcache *cache, uint32_t page)
{
	return page >> cache->image.region_pages_shift;
}

void cut_check(const struct rawcache *cache, const struct extent *e)
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

struct held *held_add(int process, uint32_t region, uint32_t generation)
{
	for (int i = 0; i < HELD_MAX; i++) {
		if (held[i].live)
			continue;
		held[i] = (struct held){ true, process, region, generation };
		return &held[i];
	}
	die("too many pins");
}
