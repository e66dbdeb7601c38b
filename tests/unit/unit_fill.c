/* SPDX-License-Identifier: MIT */
/* Fills that are interrupted: by handlers that read, by jumps out of them, by other threads. */
#include "unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <rawcache/image.h>

#include "core/shared/cache.h"
#include "core/fill/fetch.h"
#include "unit/moment.h"
#include "pattern.h"

/* last: its names are those of parameters in other headers */
#include "unit/two_files.h"

#define CHUNK (256u << 10)
#define CHUNKS 20u
#define STACK_BYTES (512u << 10)

static const enum moment places[] = { MOMENT_CLOCK, MOMENT_LOCK };

static int setup(void **state)
{
	int err = two_files_make("fill.image", 2 * TEST_IMAGE_BYTES, CHUNKS * CHUNK);

	(void)state;
	two_files_attach();
	return err;
}

static bool chunk_right(int which, unsigned int chunk)
{
	static char buffer[2][CHUNK]; /* none that a jump could leak */
	char *buf = buffer[which - 1];

	return rawcache_file_read(cache, which == 1 ? file_a : file_b, which == 1 ? fd_a : fd_b,
				  buf, CHUNK, chunk * CHUNK) == CHUNK &&
	       pattern_check(buf, CHUNK, (uint32_t)which, 1, 1, chunk * CHUNK) == CHUNK;
}

/* --- handlers that read */

static volatile sig_atomic_t nested_chunk, nested_right;

static void handler_read(int sig)
{
	(void)sig;
	nested_right += chunk_right(2, (unsigned int)nested_chunk);
}

static void step_raise(void *arg)
{
	(void)arg;
	raise(SIGUSR1);
}

struct stacks {
	char *normal, *signal;
	enum moment place;
	unsigned int nested, wrong;
};

/*
 * At the first, second, ... moment of a miss a handler makes a miss of its own. Not in the
 * test's own thread: no assertions.
 */
static void nest_everywhere(struct stacks *result)
{
	nested_right = 0;
	for (unsigned int chunk = 0; chunk < CHUNKS; chunk++) {
		nested_chunk = (sig_atomic_t)chunk;
		moment_set(result->place, chunk % 7 + 1, step_raise, NULL);
		result->wrong += !chunk_right(1, chunk);
		result->nested += moment_came(result->place);
		result->wrong += nested_right != (int)result->nested;
	}
	for (unsigned int chunk = 0; chunk < CHUNKS; chunk++)
		result->wrong += !chunk_right(1, chunk) || !chunk_right(2, chunk);
}

static void *nest_thread(void *arg)
{
	struct stacks *stacks = arg;
	stack_t stack = { .ss_sp = stacks->signal, .ss_size = STACK_BYTES };

	if (stacks->signal)
		sigaltstack(&stack, NULL);
	nest_everywhere(stacks);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	return NULL;
}

static void nest_run(struct stacks *stacks)
{
	struct sigaction action = { .sa_handler = handler_read,
				    .sa_flags = SA_ONSTACK | SA_NODEFER };
	pthread_attr_t attr;
	pthread_t thread;

	for (size_t i = 0; i < 2; i++) {
		stacks->place = places[i];
		stacks->nested = stacks->wrong = 0;
		assert_int_equal(rawcache_drop_all(cache), 0);
		sigaction(SIGUSR1, &action, NULL);
		pthread_attr_init(&attr);
		pthread_attr_setstack(&attr, stacks->normal, STACK_BYTES);
		assert_int_equal(pthread_create(&thread, &attr, nest_thread, stacks), 0);
		pthread_join(thread, NULL);
		pthread_attr_destroy(&attr);
		assert_int_equal(stacks->wrong, 0);
		assert_true(stacks->nested > 2);
	}
	signal(SIGUSR1, SIG_DFL);
	assert_int_equal(cache->pins_used, 0);
}

static char *stacks_map(void)
{
	char *both = mmap(NULL, 4 * STACK_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(both, MAP_FAILED);
	return both;
}

/* All in the reading thread; with read-ahead, helpers do what they can. */
static int setup_sync(void **state)
{
	int err = setup(state);

	cache->options.io = RAWCACHE_IO_SYNC;
	return err;
}

/* The numbers of stacks of a mapping; `handlers` < 0: there is none for them. */
static void nested_on(int normal, int handlers)
{
	char *both = stacks_map();
	struct stacks stacks = { .normal = both + normal * (int)STACK_BYTES };

	if (handlers >= 0)
		stacks.signal = both + handlers * (int)STACK_BYTES;
	nest_run(&stacks);
	munmap(both, 4 * STACK_BYTES);
}

/* Addresses tell nothing of which is the inner one: the signal stack above, and below. */
static void test_nested(void **state)
{
	(void)state;
	nested_on(0, -1);
	nested_on(0, 3);
	nested_on(3, 0);
}

/* --- handlers that switch to another coroutine, which reads */

static ucontext_t first_thread, outer_coroutine, inner_coroutine;
static struct stacks coroutine_result;

static void outer_run(void)
{
	nest_everywhere(&coroutine_result);
}

static void inner_run(void)
{
	for (;; swapcontext(&inner_coroutine, &outer_coroutine))
		handler_read(0);
}

static void handler_switch(int sig)
{
	(void)sig;
	swapcontext(&outer_coroutine, &inner_coroutine);
}

static void coroutine_make(ucontext_t *context, void (*run)(void), char *stack)
{
	getcontext(context);
	context->uc_stack.ss_sp = stack;
	context->uc_stack.ss_size = STACK_BYTES;
	context->uc_link = &first_thread;
	makecontext(context, run, 0);
}

/* In the first thread, whose descriptor lies above both stacks, as above those of other threads. */
static void test_coroutines(void **state)
{
	char *at = (char *)((uintptr_t)pthread_self() & ~(uintptr_t)0xffff) - 2 * STACK_BYTES;
	char *both = MAP_FAILED;

	(void)state;
	for (int i = 0; i < 64 && both == MAP_FAILED; i++)
		both = mmap(at - i * 0x10000, 2 * STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (both == MAP_FAILED)
		both = stacks_map();
	signal(SIGUSR1, handler_switch);
	for (size_t i = 0; i < 2; i++) {
		coroutine_result = (struct stacks){ .place = places[i] };
		assert_int_equal(rawcache_drop_all(cache), 0);
		coroutine_make(&outer_coroutine, outer_run, both);
		coroutine_make(&inner_coroutine, inner_run, both + STACK_BYTES);
		swapcontext(&first_thread, &outer_coroutine);
		assert_int_equal(coroutine_result.wrong, 0);
		assert_true(coroutine_result.nested > 2);
	}
	signal(SIGUSR1, SIG_DFL);
	assert_int_equal(cache->pins_used, 0);
}

/* --- handlers that do not return */

static sigjmp_buf out;

static void handler_jump(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

/* Threads that store what was handed to them are done. */
static void settle(void)
{
	fetch_settle(file_at(cache, file_a), true);
	fetch_settle(file_at(cache, file_b), true);
}

/* What was left is given back by the next fill. */
static void jump_everywhere(enum moment place)
{
	volatile unsigned int left = 0;
	struct rawcache_stats before;
	struct rawcache_stats after;

	for (volatile unsigned int i = 0; i < 100; i++) {
		if (i % 10 == 0)
			assert_int_equal(rawcache_drop_all(cache), 0);
		if (sigsetjmp(out, 1)) {
			left++;
			continue;
		}
		moment_set(place, i % 9 + 1, step_raise, NULL);
		assert_true(chunk_right(1, i % CHUNKS));
		moment_came(place);
	}
	moment_came(place);
	assert_true(left > 20);
	rawcache_stats_total(cache, &before, sizeof(before));
	assert_int_equal(rawcache_drop_all(cache), 0);
	for (unsigned int i = 0; i < CHUNKS; i++)
		assert_true(chunk_right(2, i));
	settle();
	rawcache_stats_total(cache, &after, sizeof(after));
	assert_true(after.fills - before.fills >= CHUNKS);
	assert_int_equal(cache->pins_used, 0);
	for (uint32_t n = 0; n < cache->image.sb.region_count; n++)
		assert_int_equal(cache->image.regions[n].owner, 0);
}

static void test_jump(void **state)
{
	(void)state;
	cache->options.readahead = 0;
	signal(SIGUSR1, handler_jump);
	for (size_t i = 0; i < 2; i++) {
		jump_everywhere(places[i]);
		for (uint32_t n = 0; n < RUNTIME_FLIGHTS; n++)
			assert_int_equal(cache->runtime.flights[n].claim, 0);
		assert_int_equal(file_at(cache, file_a)->references, 1);
		assert_int_equal(file_at(cache, file_b)->references, 1);
	}
	signal(SIGUSR1, SIG_DFL);
}

static void test_jump_ahead(void **state)
{
	(void)state;
	signal(SIGUSR1, handler_jump);
	/* the locks of a store are taken elsewhere */
	jump_everywhere(MOMENT_CLOCK);
	signal(SIGUSR1, SIG_DFL);
	fetch_drop_all(cache);
	for (uint32_t n = 0; n < RUNTIME_FLIGHTS; n++)
		assert_int_equal(cache->runtime.flights[n].claim, 0);
}

/* --- descriptors that become another file's */

struct swap {
	unsigned int back; /* at which moment after the first the file comes back */
	int saved;
};

static void step_restore(void *arg)
{
	const struct swap *swap = arg;

	dup2(swap->saved, fd_a);
}

static void step_swap(void *arg)
{
	struct swap *swap = arg;

	dup2(fd_b, fd_a);
	if (swap->back)
		moment_set(MOMENT_CLOCK, swap->back, step_restore, swap);
}

/* The program gets what it asked for, but other files' bytes are not stored as this one's. */
static void test_swapped(void **state)
{
	unsigned int chunk = 0;

	(void)state;
	cache->options.readahead = 0;
	for (unsigned int at = 1; at <= 5; at++) {
		for (unsigned int back = 0; back < 4; back++, chunk++) {
			struct swap swap = { .back = back / 2, .saved = dup(fd_a) };
			static char buf[CHUNK];

			moment_set(MOMENT_CLOCK, at, step_swap, &swap);
			rawcache_file_read(cache, file_a, fd_a, buf, back & 1 ? CHUNK : 100,
					   chunk * CHUNK);
			moment_came(MOMENT_CLOCK);
			dup2(swap.saved, fd_a);
			close(swap.saved);
			assert_true(chunk_right(1, chunk));
		}
	}
	assert_true(chunk <= CHUNKS);
}

/* --- threads that may be cancelled anywhere */

static void *thread_cancelled(void *arg)
{
	unsigned int *chunk = arg;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;; (*chunk)++)
		chunk_right(1, *chunk % CHUNKS);
	return NULL;
}

static bool nothing_held(void)
{
	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		if (cache->runtime.flights[i].claim)
			return false;
	return !cache->pins_used;
}

/* In the middle of misses: flights and pins are given back. */
static void test_cancelled(void **state)
{
	unsigned int chunk = 0;
	uint64_t random = 1;

	(void)state;
	/* on a busy machine many are cancelled before they have read anything */
	for (int i = 0; i < 100 || (chunk <= 100 && i < 2000); i++) {
		pthread_t thread;

		rawcache_drop_all(cache);
		assert_int_equal(pthread_create(&thread, NULL, thread_cancelled, &chunk), 0);
		usleep((useconds_t)(pattern_random(&random) % 2000));
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		fetch_drop_all(cache);
		assert_true(nothing_held());
	}
	assert_true(chunk > 100);
	for (chunk = 0; chunk < CHUNKS; chunk++)
		assert_true(chunk_right(1, chunk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nested, setup_sync, two_files_close),
		cmocka_unit_test_setup_teardown(test_coroutines, setup_sync, two_files_close),
		cmocka_unit_test_setup_teardown(test_jump, setup_sync, two_files_close),
		cmocka_unit_test_setup_teardown(test_jump_ahead, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_swapped, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_cancelled, setup_sync, two_files_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
