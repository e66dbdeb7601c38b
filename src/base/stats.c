/* SPDX-License-Identifier: MIT */
#include "base/crash.h"
#include "base/stats.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/patience.h"
#include "base/sys.h"

tls_initial struct rawcache_stats *stats_mine;
static tls_initial bool sharing; /* see stats_share() */

static struct rawcache_stats private_block;
static const struct stats_provider *current; /* NULL: private memory */
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static int thread_key_valid;

/* glibc keeps the values of the first keys in the thread itself, and calls calloc() for the others */
#define KEYS_WITHOUT_MALLOC 32

/* The places of version 0.1.0, whose images are still read. */
static_assert(offsetof(struct rawcache_stats, passthrough_first) == 31 * 8, "totals of 0.1.0");
static_assert(offsetof(struct rawcache_stats, passthrough_later) == (31 + 24 + 3 * 56) * 8,
	      "totals of 0.1.0");
static_assert(RAWCACHE_REASON_nested + 1 == RAWCACHE_REASONS_FIRST, "reasons of 0.1.0");
static_assert((int)RAWCACHE_REASON_COUNT <= RAWCACHE_REASONS_MAX, "room for reasons");

static const struct rawcache_counter counters[] = {
#define STAT(name, unit, text) { #name, unit, text, offsetof(struct rawcache_stats, name) },
#include <rawcache/stats_tbl.h>
#undef STAT
};

static const char *const reason_names[] = {
#define REASON(name, text) #name,
#include <rawcache/reason_tbl.h>
#undef REASON
};

static const char *const reason_texts[] = {
#define REASON(name, text) text,
#include <rawcache/reason_tbl.h>
#undef REASON
};

const struct rawcache_counter *rawcache_counters(size_t *count)
{
	*count = ARRAY_SIZE(counters);
	return counters;
}

const char *rawcache_reason_name(unsigned int reason)
{
	return reason < RAWCACHE_REASON_COUNT ? reason_names[reason] : "unknown";
}

const char *rawcache_reason_text(unsigned int reason)
{
	return reason < RAWCACHE_REASON_COUNT ? reason_texts[reason] : "unknown";
}

size_t stats_latency_bucket(uint64_t ns)
{
	unsigned int octave;
	size_t bucket;

	if (ns < 16)
		return 0;
	octave = log2_floor(ns);
	/* the upper half of an octave is the odd bucket: 1.5 approximates the square root of 2 */
	bucket = 2 * (octave - 4) + 1 + ((ns >> (octave - 1)) & 1);
	return min_u64(bucket, RAWCACHE_LATENCY_BUCKETS - 1);
}

static uint64_t bucket_limit(size_t bucket)
{
	uint64_t low = UINT64_C(16) << (bucket / 2);

	return bucket & 1 ? low + low / 2 : low;
}

uint64_t rawcache_latency_percentile(const struct rawcache_latency *latency, double percent)
{
	uint64_t total = 0;
	uint64_t seen = 0;

	for (size_t i = 0; i < RAWCACHE_LATENCY_BUCKETS; i++)
		total += latency->bucket[i];
	if (!total)
		return 0;
	for (size_t i = 0; i < RAWCACHE_LATENCY_BUCKETS; i++) {
		seen += latency->bucket[i];
		if ((double)seen * 100.0 >= (double)total * percent)
			return bucket_limit(i);
	}
	return bucket_limit(RAWCACHE_LATENCY_BUCKETS - 1);
}

/*
 * Threads that are between a look at `current` and the end of its use. The caller that ends a provider
 * waits for them, but not for ever: one may be a thread whose own signal handler ends it.
 */
static uint32_t users;

static const struct stats_provider *provider_get(void)
{
	fetch_add(&users, 1);
	fence_full(); /* pairs with the one in stats_set_provider() */
	return load_acquire(&current);
}

static void provider_put(void)
{
	fetch_sub(&users, 1);
}

static void thread_ended(void *block)
{
	const struct stats_provider *provider = provider_get();

	stats_mine = NULL;
	if (provider)
		provider->release(block);
	provider_put();
}

static void thread_key_make(void)
{
	if (pthread_key_create(&thread_key, thread_ended))
		return;
	thread_key_valid = thread_key < KEYS_WITHOUT_MALLOC;
	if (!thread_key_valid)
		pthread_key_delete(thread_key);
}

void stats_init(void)
{
	pthread_once(&thread_once, thread_key_make);
}

static struct rawcache_stats *thread_block(const struct stats_provider *provider)
{
	struct rawcache_stats *block;

	if (!thread_key_valid)
		return NULL;
	block = provider->thread();
	if (!block)
		return NULL;
	if (pthread_setspecific(thread_key, block)) {
		provider->release(block);
		return NULL;
	}
	return block;
}

void stats_add_slow(size_t word, uint64_t n)
{
	const struct stats_provider *provider = provider_get();
	struct rawcache_stats *shared = provider ? provider->shared : &private_block;

	if (provider && !sharing)
		stats_mine = thread_block(provider);
	if (stats_mine)
		stats_add_word(word, n);
	else
		fetch_add((uint64_t *)shared + word, n);
	provider_put();
}

static void users_wait(void)
{
	struct timespec nap = { 0, 1000000 };

	fence_full(); /* pairs with the one in provider_get() */
	for (int i = 0; i < (int)STATS_USERS_MS && load_acquire(&users); i++)
		sys_nanosleep(&nap);
}

void stats_set_provider(const struct stats_provider *provider)
{
	store_release(&current, provider);
	if (!provider) {
		users_wait();
		return;
	}
	stats_fold(provider->shared, &private_block);
	memset(&private_block, 0, sizeof(private_block));
}

void stats_fork_child(void)
{
	users = 0; /* they are threads of the parent */
	store_release(&current, NULL);
	stats_forget();
}

void stats_release(void)
{
	struct rawcache_stats *mine = stats_mine;

	stats_forget();
	if (mine)
		thread_ended(mine);
}

void stats_share(void)
{
	sharing = true;
}

void stats_forget(void)
{
	stats_mine = NULL;
	if (thread_key_valid)
		pthread_setspecific(thread_key, NULL);
}

void stats_fold(struct rawcache_stats *to, const struct rawcache_stats *from)
{
	uint64_t *t = (uint64_t *)to;
	const uint64_t *f = (const uint64_t *)from;

	for (size_t i = 0; i < STATS_WORDS; i++) {
		uint64_t n = load_relaxed(&f[i]);

		if (n)
			fetch_add(&t[i], n);
	}
}

void stats_move(struct rawcache_stats *to, struct rawcache_stats *from)
{
	uint64_t *t = (uint64_t *)to;
	uint64_t *f = (uint64_t *)from;

	for (size_t i = 0; i < STATS_WORDS; i++) {
		uint64_t n = load_relaxed(&f[i]) ? __atomic_exchange_n(&f[i], 0, __ATOMIC_ACQ_REL) :
						   0;

		if (!n)
			continue;
		CRASH_POINT(stat_taken);
		fetch_add(&t[i], n);
	}
}
