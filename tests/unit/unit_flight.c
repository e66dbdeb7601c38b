/* SPDX-License-Identifier: MIT */
/* Single flight: who waits, for how long, and what becomes of a dead owner's (INV-8). */
#include "unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "child.h"
#include "core/shared/flight.h"
#include "core/shared/process.h"

static char path[512];
static struct rawcache *cache;
static uint64_t place;
static const struct flight_need need = { 1, &place };
static const struct key key = { .low = UINT64_C(0x123456789abcdef0), .high = 1 };

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("flight.image"));
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	cache = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	return 0;
}

static void *wait_thread(void *arg)
{
	struct claim flight = { 0 };

	*(enum flight_result *)arg = flight_begin(cache, &key, &need, &flight);
	return NULL;
}

static void test_wait(void **state)
{
	enum flight_result result = FLIGHT_OWNER;
	struct claim flight = { 0 };
	pthread_t thread;

	(void)state;
	cache = attach(path);
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_OWNER);
	pthread_create(&thread, NULL, wait_thread, &result);
	usleep(50000);
	flight_end(cache, &flight);
	pthread_join(thread, NULL);
	assert_int_equal(result, FLIGHT_ENDED);
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_OWNER);
	flight_end(cache, &flight);
}

#define NEIGHBOURS 8

static struct claim claimed[NEIGHBOURS];

/* All want the same places; the tested key is the first. */
static struct key neighbour(int i)
{
	return (struct key){ .low = key.low + ((uint64_t)i << 32), .high = 1 };
}

static void body_claim(void *arg)
{
	(void)arg;
	cache = attach(path);
	for (int i = 0; i < NEIGHBOURS; i++) {
		struct key other = neighbour(i);

		if (flight_begin(cache, &other, &need, &claimed[i]) != FLIGHT_OWNER)
			_exit(1);
	}
}

static void test_killed_owner(void **state)
{
	pid_t child = child_start(body_claim, NULL);
	struct claim flight = { 0 };
	double start;

	(void)state;
	cache = attach(path);
	child_kill(child);
	start = now_s();
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_ENDED);
	assert_true(now_s() - start < 1);
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_OWNER);
	flight_end(cache, &flight);
}

static volatile sig_atomic_t ticks;

static void handler_tick(int sig)
{
	(void)sig;
	if (++ticks > 600)
		_exit(9); /* it hangs */
}

/* A program's own timer interrupts every sleep: deaths are seen all the same. */
static void test_killed_owner_timer(void **state)
{
	struct sigaction action = { .sa_handler = handler_tick, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, 5000 }, { 0, 5000 } };
	pid_t child = child_start(body_claim, NULL);
	struct claim flight = { 0 };
	double start;

	(void)state;
	cache = attach(path);
	child_kill(child);
	ticks = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	start = now_s();
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_ENDED);
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
	signal(SIGALRM, SIG_DFL);
	assert_true(now_s() - start < 1);
}

/* The places are taken by the dead: a newcomer is sent away once, and has room then. */
static void test_killed_neighbours(void **state)
{
	pid_t child = child_start(body_claim, NULL);
	struct key other = { .low = key.low + (UINT64_C(99) << 32), .high = 1 };
	struct claim flight = { 0 };

	(void)state;
	cache = attach(path);
	child_kill(child);
	assert_int_equal(flight_begin(cache, &other, &need, &flight), FLIGHT_ALONE);
	assert_int_equal(flight_begin(cache, &other, &need, &flight), FLIGHT_OWNER);
	flight_end(cache, &flight);
}

/* A stopped owner is waited for once, and not for ever; when it dies its flight is free. */
static void test_stopped_owner(void **state)
{
	pid_t child = child_start(body_claim, NULL);
	struct claim flight = { 0 };
	double start;

	(void)state;
	cache = attach(path);
	child_stop(child);
	start = now_s();
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_ALONE);
	assert_true(now_s() - start < 3);
	start = now_s();
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_ALONE);
	assert_true(now_s() - start < 1);
	child_kill(child);
	start = now_s();
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_ENDED);
	assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_OWNER);
	assert_true(now_s() - start < 1);
	flight_end(cache, &flight);
}

static enum flight_result begin(int i)
{
	struct key other = neighbour(i);
	struct claim flight = { 0 };

	return flight_begin(cache, &other, &need, &flight);
}

/* Flights that somebody waited for until his patience was at an end. */
static int waited_in_vain(void)
{
	int count = 0;

	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		count += load_relaxed(&cache->runtime.flights[i].slow) != 0;
	return count;
}

static void body_claim_ahead(void *arg)
{
	body_claim(arg);
	flight_neglect(&claimed[NEIGHBOURS - 1]);
}

/* Of a stopped owner's many flights one is waited for in vain; what nobody attends is still had. */
static void test_stopped_owner_once(void **state)
{
	pid_t child = child_start(body_claim_ahead, NULL);

	(void)state;
	cache = attach(path);
	child_stop(child);
	for (int i = 0; i < NEIGHBOURS - 1; i++)
		assert_int_equal(begin(i), FLIGHT_ALONE);
	assert_int_equal(waited_in_vain(), 1);
	assert_int_equal(begin(NEIGHBOURS - 1), FLIGHT_OWNER);
	child_kill(child);
}

/* The owner's last flight ends, begins anew, and becomes ready. */
static void handler_step(int sig)
{
	static int steps;
	struct claim *last = &claimed[NEIGHBOURS - 1];
	struct key other = neighbour(NEIGHBOURS - 1);

	(void)sig;
	switch (steps++) {
	case 0:
		flight_end(cache, last);
		break;
	case 1:
		flight_try(cache, &other, last);
		break;
	default:
		flight_ready(cache, last, 0, 0, 1);
	}
}

static void body_step(void *arg)
{
	body_claim(arg);
	signal(SIGUSR1, handler_step);
}

static const volatile struct process_slot *owner_of_first(void)
{
	uint64_t claim = cache->runtime.flights[key.low % RUNTIME_FLIGHTS].claim;

	return &cache->runtime.slots[(claim & FLIGHT_OWNER_MASK) - 1];
}

/* A slow owner is waited for again after each step that it takes, whichever flight it was for. */
static void test_slow_owner(void **state)
{
	pid_t child = child_start(body_step, NULL);

	(void)state;
	cache = attach(path);
	for (int step = 0; step < 4; step++) {
		assert_int_equal(begin(step), FLIGHT_ALONE);
		assert_int_equal(begin(step + 1), FLIGHT_ALONE);
		assert_int_equal(waited_in_vain(), step + 1);
		if (step == 3)
			break;
		kill(child, SIGUSR1);
		while (owner_of_first()->steps == owner_of_first()->blamed_steps)
			usleep(1000);
	}
	child_kill(child);
}

/* Whatever stands in the table, nobody hangs. */
static void test_garbage(void **state)
{
	struct claim flight = { 0 };
	uint64_t tag = (key.low & ~FLIGHT_OWNER_MASK) | (FLIGHT_OWNER_MASK + 1);
	double start = now_s();

	(void)state;
	cache = attach(path);
	for (uint64_t owner = 0; owner <= FLIGHT_OWNER_MASK; owner += 1021) {
		struct flight *f = &cache->runtime.flights[key.low % RUNTIME_FLIGHTS];

		if (owner == (uint64_t)cache->slot + 1)
			continue;
		f->claim = tag | owner;
		f->waiters = (uint32_t)owner;
		assert_int_equal(flight_begin(cache, &key, &need, &flight), FLIGHT_ENDED);
	}
	assert_true(now_s() - start < 5);
}

#define TURNS_US 100

static bool turns_over;

static void pause_here(int sig)
{
	(void)sig;
	usleep(TURNS_US / 4);
}

static void *claim_thread(void *arg)
{
	struct claim mine;

	while (!load_relaxed(&turns_over))
		if (flight_try(cache, arg, &mine))
			flight_end(cache, &mine);
	return NULL;
}

/* Two that use the same place by turns, stopped anywhere: neither's end is taken for the other's. */
static void test_turns(void **state)
{
	const struct itimerval often = { { 0, TURNS_US }, { 0, TURNS_US } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct key other = { .low = key.low ^ UINT64_C(1) << 60, .high = 2 };
	pthread_t threads[2];

	(void)state;
	cache = attach(path);
	store_relaxed(&turns_over, false);
	signal(SIGALRM, pause_here);
	pthread_create(&threads[0], NULL, claim_thread, (void *)&key);
	pthread_create(&threads[1], NULL, claim_thread, &other);
	setitimer(ITIMER_REAL, &often, NULL);
	for (double start = now_s(); now_s() - start < 2;)
		usleep(100000);
	setitimer(ITIMER_REAL, &never, NULL);
	store_relaxed(&turns_over, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	signal(SIGALRM, SIG_DFL);
	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		assert_int_equal(cache->runtime.flights[i].claim, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_owner_timer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_owner_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
