/* SPDX-License-Identifier: MIT */
/* The queue of helper threads: who is the next. */
#include <pthread.h>

#include "core/origin/pool.h"
#include "unit/unit.h"

static struct pool_job jobs[6];
static pthread_t first;

/* The helper gets none: this test takes them. */
static bool ours_take(struct pool_job *job)
{
	(void)job;
	return pthread_equal(pthread_self(), first);
}

static void jobs_work(struct pool *pool)
{
	while (pool_next(pool))
		;
}

static struct pool queue = { .work = jobs_work,
			     .take = ours_take,
			     .limit = 1,
			     .idle_ms = 60000,
			     .lock = PTHREAD_MUTEX_INITIALIZER };

/* One of them would never be the next if more came all the time. */
static void what_is_waited_for_goes_in_its_order(void **state)
{
	static const int order[] = { 1, 2, 4, 5, 0, 3 };

	(void)state;
	first = pthread_self();
	assert_int_equal(pool_add(&queue, &jobs[0], true), 0);
	assert_int_equal(pool_add_first(&queue, &jobs[1], true), 0);
	assert_int_equal(pool_add_first(&queue, &jobs[2], true), 0);
	assert_int_equal(pool_add(&queue, &jobs[3], true), 0);
	assert_int_equal(pool_add_first(&queue, &jobs[4], true), 0);
	assert_int_equal(pool_add_first(&queue, &jobs[5], true), 0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_ptr_equal(pool_take(&queue), &jobs[order[i]]);
	assert_null(pool_take(&queue));
}

/* The last, one in the middle, one that came early, and one that is not in the queue. */
static void what_is_waited_for_later_overtakes(void **state)
{
	static const int order[] = { 1, 3, 2, 0, 4 };

	(void)state;
	first = pthread_self();
	assert_int_equal(pool_add(&queue, &jobs[0], true), 0);
	assert_int_equal(pool_add_first(&queue, &jobs[1], true), 0);
	assert_int_equal(pool_add(&queue, &jobs[2], true), 0);
	assert_int_equal(pool_add(&queue, &jobs[3], true), 0);
	pool_hurry(&queue, &jobs[3]);
	pool_hurry(&queue, &jobs[2]);
	pool_hurry(&queue, &jobs[1]);
	pool_hurry(&queue, &jobs[5]);
	assert_int_equal(pool_add(&queue, &jobs[4], true), 0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_ptr_equal(pool_take(&queue), &jobs[order[i]]);
	assert_null(pool_take(&queue));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_waited_for_goes_in_its_order),
		cmocka_unit_test(what_is_waited_for_later_overtakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
