/* SPDX-License-Identifier: MIT */
#include "core/shared/absent.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/sys.h"

#define WAYS 4u	      /* entries in which a key may lie: one cache line */
#define SEEN_BITS 32u /* of a word that tells when a directory was first seen, in milliseconds */

bool absent_usable(const struct rawcache *cache)
{
	return cache->runtime.header && !cache->runtime.read_only && !(cache->image.mode & 0022);
}

static struct key key_of(const struct rawcache *cache, const void *bytes, size_t n)
{
	XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, n, cache->image.sb.key[0]);

	/* a tag of 0 is a free entry */
	return (struct key){ .low = hash.low64 ? hash.low64 : 1, .high = hash.high64 };
}

struct key absent_state(const struct rawcache *cache, const struct statx *dir, uint64_t who)
{
	uint64_t numbers[] = {
		dir->stx_mnt_id,
		sys_device(dir),
		dir->stx_ino,
		(uint64_t)dir->stx_mtime.tv_sec,
		(uint64_t)dir->stx_ctime.tv_sec,
		(uint64_t)dir->stx_mtime.tv_nsec << 32 | dir->stx_ctime.tv_nsec,
		who,
	};

	return key_of(cache, numbers, sizeof(numbers));
}

static struct absent_entry *bucket_of(const struct rawcache *cache, const struct key *key)
{
	return &cache->runtime.absent[key->high % (RUNTIME_ABSENT / WAYS) * WAYS];
}

static void entry_store(const struct rawcache *cache, const struct key *key, uint64_t word)
{
	struct absent_entry *bucket = bucket_of(cache, key);
	struct absent_entry *entry = &bucket[clock_ticks() / 64 % WAYS];

	for (unsigned int i = 0; i < WAYS; i++) {
		if (load_relaxed(&bucket[i].tag) == key->low)
			entry = &bucket[i];
		else if (!load_relaxed(&bucket[i].tag) && load_relaxed(&entry->tag) != key->low)
			entry = &bucket[i];
	}
	store_release(&entry->tag, 0);
	store_release(&entry->word, word);
	store_release(&entry->tag, key->low);
}

static bool entry_find(const struct rawcache *cache, const struct key *key, uint64_t *word)
{
	const struct absent_entry *bucket = bucket_of(cache, key);

	for (unsigned int i = 0; i < WAYS; i++) {
		if (load_acquire(&bucket[i].tag) != key->low)
			continue;
		*word = load_relaxed(&bucket[i].word);
		return true;
	}
	return false;
}

/* For how long this machine has seen the directory in this state; 0: not before now. */
static uint32_t seen_ms(struct rawcache *cache, const struct key *state)
{
	uint32_t now = (uint32_t)clock_coarse_ms();
	uint64_t high = state->high >> SEEN_BITS << SEEN_BITS;
	uint64_t word;

	if (entry_find(cache, state, &word) && (word ^ high) >> SEEN_BITS == 0)
		return now - (uint32_t)word;
	entry_store(cache, state, high | now);
	return 0;
}

static struct absent_clock *clock_find(const struct rawcache *cache, uint64_t mount)
{
	for (uint64_t i = 0; i < RUNTIME_CLOCKS; i++) {
		struct absent_clock *clock = &cache->runtime.clocks[(mount + i) % RUNTIME_CLOCKS];
		uint64_t seen = load_acquire(&clock->mount);

		if (seen == mount || (!seen && cas(&clock->mount, &seen, mount)) || seen == mount)
			return clock;
	}
	return NULL;
}

/* The latest time of a change on this mount that any process has seen, this one included. */
static uint64_t latest_ns(const struct rawcache *cache, uint64_t mount, uint64_t changed)
{
	struct absent_clock *clock = clock_find(cache, mount);
	uint64_t seen = clock ? load_relaxed(&clock->latest_ns) : 0;

	while (clock && seen < changed && !cas(&clock->latest_ns, &seen, changed))
		;
	return max_u64(seen, changed);
}

bool absent_settled(struct rawcache *cache, const struct statx *dir, const struct key *state)
{
	uint32_t settle_ms = (uint32_t)max_u64(cache->options.settle_ms, CLOCK_STEP_MS);
	uint64_t settle = settle_ms * UINT64_C(1000000);
	uint64_t changed = sys_timestamp_ns(&dir->stx_ctime);
	uint64_t newest = max_u64(changed, sys_timestamp_ns(&dir->stx_mtime));
	uint64_t latest = latest_ns(cache, dir->stx_mnt_id, changed);
	/* seen_ms() notes the first look, so it is called only where its answer may be needed */
	bool told = newest + settle < latest || seen_ms(cache, state) > settle_ms;

	return told && newest + settle <= clock_real_ns();
}

/* The key of a name: a hash of the directory's state and of the name. */
static struct key name_key(const struct rawcache *cache, const struct key *state, const char *name,
			   size_t n)
{
	struct key of_name = key_of(cache, name, n);
	uint64_t numbers[] = { state->low, state->high, of_name.low, of_name.high };

	return key_of(cache, numbers, sizeof(numbers));
}

/* The word of a name that exists is the complement of the one of a name that is absent. */
enum rawcache_name absent_find(const struct rawcache *cache, const struct key *state,
			       const char *name, size_t n)
{
	struct key key = name_key(cache, state, name, n);
	uint64_t word;

	if (!entry_find(cache, &key, &word))
		return RAWCACHE_NAME_UNKNOWN;
	return word == key.high	 ? RAWCACHE_NAME_ABSENT :
	       word == ~key.high ? RAWCACHE_NAME_EXISTS :
				   RAWCACHE_NAME_UNKNOWN;
}

void absent_add(struct rawcache *cache, const struct key *state, const char *name, size_t n)
{
	struct key key = name_key(cache, state, name, n);

	entry_store(cache, &key, key.high);
}

void absent_note(struct rawcache *cache, const struct key *state, const char *name, size_t n)
{
	struct key key = name_key(cache, state, name, n);
	const struct absent_entry *bucket = bucket_of(cache, &key);

	for (unsigned int i = 0; i < WAYS; i++) {
		if (load_relaxed(&bucket[i].tag))
			continue;
		entry_store(cache, &key, ~key.high);
		return;
	}
}
