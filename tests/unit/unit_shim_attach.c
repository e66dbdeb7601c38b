/* SPDX-License-Identifier: MIT */
/*
 * Threads whose first opens come at the same moment attach one cache: with two, the number of a file means
 * another one.
 */
#include "shim/libc/symbols.h"

#include <rawcache/rawcache.h>

#include "shim/table/fdtab.h"
#include "shim/libc/signals.h"

static int fake_attach(const struct rawcache_options *options, struct rawcache **cache,
		       enum rawcache_reason *reason);
static void fake_signals(void);

#define rawcache_attach fake_attach
#define signals_install fake_signals
#define fdtab_changes NULL
#include "shim/table/attach.c"
#undef rawcache_attach
#undef signals_install
#undef fdtab_changes

#include "unit/unit.h"

#include <errno.h>
#include <pthread.h>

#define THREADS 4
#define ROUNDS 4000

/* What is behind our hooks is not linked: nothing is loaded here. */
struct symbols_next symbols_next;

void *symbols_resolve_one(size_t offset)
{
	(void)offset;
	abort();
}

static char caches[8];	    /* their addresses are what matters */
static uint32_t attached;   /* in this round */
static uint32_t fail_first; /* attempts of this round that fail */
static uint64_t seen_by[THREADS];
static pthread_barrier_t begin, end;
static bool over;

static void fake_signals(void)
{
}

static int fake_attach(const struct rawcache_options *options, struct rawcache **cache,
		       enum rawcache_reason *reason)
{
	uint32_t n = fetch_add(&attached, 1);

	(void)options;
	sched_yield();
	if (n < fail_first) {
		*reason = RAWCACHE_REASON_no_image;
		return -ENOENT;
	}
	*cache = (struct rawcache *)&caches[n % sizeof(caches)];
	return 0;
}

static void *opener(void *arg)
{
	size_t i = (size_t)arg;

	for (;;) {
		enum rawcache_reason reason;

		pthread_barrier_wait(&begin);
		if (over)
			return NULL;
		for (volatile uint32_t wait = (uint32_t)rand() % 200; wait; wait--)
			;
		seen_by[i] = (uintptr_t)attach_cache(&reason);
		pthread_barrier_wait(&end);
	}
}

static void round_begin(uint32_t failures)
{
	store_relaxed(&attach_attached, NULL);
	attach_progress = ATTACH_IDLE;
	attached = 0;
	fail_first = failures;
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&end);
}

static void test_first_opens(void **unused)
{
	pthread_t threads[THREADS];

	(void)unused;
	assert_true(config_load(&attach_config, NULL, NULL) >= 0);
	pthread_barrier_init(&begin, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, opener, (void *)i), 0);
	for (int n = 0; n < ROUNDS; n++) {
		round_begin(0);
		assert_int_equal(attached, 1);
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(seen_by[i], (uintptr_t)&caches[0]);
	}
	/* a failure is everybody's, and is not tried again at once */
	round_begin(1);
	assert_int_equal(attached, 1);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(seen_by[i], 0);
	over = true;
	pthread_barrier_wait(&begin);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
