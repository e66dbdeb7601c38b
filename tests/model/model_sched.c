/* SPDX-License-Identifier: MIT */
#include "model_sched.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/compiler.h"
#include "pattern.h"
#include "support.h"

#define STACK_BYTES (256u << 10)
#define STEP_NS 1000000u
#define LONG_NS (2 * LOCK_PATIENCE_MS * UINT64_C(1000000))
#define CLOCK_START_S 1700000000

enum { ACTOR_READY, ACTOR_ENDED, ACTOR_DEAD };

struct actor {
	ucontext_t context; /* how it begins; later it is left and entered by longjmp() */
	jmp_buf place;
	bool begun;
	char *stack;
	void (*body)(void *arg);
	void *arg;
	int state;
	uint64_t until; /* it does not go on before that step */
};

static struct actor actors[ACTORS_MAX];
static int count;
static int self = -1;
static jmp_buf home;
static uint64_t random_state;
static uint64_t steps;
static uint64_t overslept_ns;
static unsigned int burst; /* one step in so many is a switch */
static int quiet;
static bool impatient;
static uint32_t first_owner = 1; /* owners of locks are counted through all schedules */

void sched_reset(uint64_t seed)
{
	static const unsigned int bursts[] = { 1, 2, 4, 16, 64, 256 };

	first_owner += (uint32_t)count;
	count = 0;
	self = -1;
	steps = 0;
	overslept_ns = 0;
	quiet = 0;
	random_state = seed;
	impatient = pattern_random(&random_state) & 1;
	burst = bursts[pattern_random(&random_state) % ARRAY_SIZE(bursts)];
}

static void actor_main(void)
{
	actors[self].body(actors[self].arg);
	actors[self].state = ACTOR_ENDED;
	_longjmp(home, 1);
}

/* Masks of signals do not matter here: a switch without a system call. */
static void actor_enter(struct actor *actor)
{
	if (_setjmp(home))
		return;
	if (actor->begun)
		_longjmp(actor->place, 1);
	actor->begun = true;
	setcontext(&actor->context);
}

static void actor_leave(struct actor *actor)
{
	if (!_setjmp(actor->place))
		_longjmp(home, 1);
}

int sched_spawn(void (*body)(void *arg), void *arg)
{
	struct actor *actor = &actors[count];

	if (count == ACTORS_MAX)
		die("too many actors");
	if (!actor->stack)
		actor->stack = malloc(STACK_BYTES);
	if (!actor->stack || getcontext(&actor->context))
		die("no memory for an actor");
	actor->context.uc_stack.ss_sp = actor->stack;
	actor->context.uc_stack.ss_size = STACK_BYTES;
	actor->context.uc_link = NULL;
	actor->body = body;
	actor->arg = arg;
	actor->state = ACTOR_READY;
	actor->begun = false;
	actor->until = 0;
	makecontext(&actor->context, actor_main, 0);
	return count++;
}

void sched_kill(int actor)
{
	if (actors[actor].state == ACTOR_READY)
		actors[actor].state = ACTOR_DEAD;
}

static bool actor_awake(const struct actor *actor)
{
	return actor->state == ACTOR_READY && actor->until <= steps;
}

/* How many could go on; when all that are left sleep, they are woken. */
static int awake_count(void)
{
	int ready = 0;
	int awake = 0;

	for (int i = 0; i < count; i++) {
		ready += actors[i].state == ACTOR_READY;
		awake += actor_awake(&actors[i]);
	}
	for (int i = 0; !awake && i < count; i++)
		actors[i].until = 0;
	return awake ? awake : ready;
}

bool sched_run(void)
{
	int awake = awake_count();
	int n;

	if (!awake)
		return false;
	n = (int)(pattern_random(&random_state) % (unsigned int)awake);
	for (self = 0; !actor_awake(&actors[self]) || n--; self++)
		;
	/* now and then one is held up, for longer than anything takes */
	if (!(pattern_random(&random_state) % 1024))
		actors[self].until = steps + pattern_random(&random_state) % 4096;
	else
		actor_enter(&actors[self]);
	self = -1;
	return true;
}

uint64_t sched_steps(void)
{
	return steps;
}

int sched_self(void)
{
	return self;
}

bool sched_ended(int actor)
{
	return actors[actor].state != ACTOR_READY;
}

bool sched_patient(void)
{
	return !impatient;
}

void sched_quiet(bool on)
{
	quiet += on ? 1 : -1;
}

void sched_yield_now(void)
{
	steps++;
	if (self >= 0)
		actor_leave(&actors[self]);
}

/* --- what the engine calls */

void step_point(void)
{
	if (self < 0 || quiet)
		return;
	if (pattern_random(&random_state) % burst)
		steps++;
	else
		sched_yield_now();
}

void step_sleep(void)
{
	if (quiet)
		die("an actor sleeps while it is not to be interrupted");
	/* now and then a lock's owner is stopped for longer than it is waited for */
	if (impatient && !(pattern_random(&random_state) % 64))
		overslept_ns += LONG_NS;
	sched_yield_now();
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	uint64_t ns = steps * STEP_NS + overslept_ns;

	if (self < 0)
		return (int)syscall(SYS_clock_gettime, clock, t);
	/* what the engine remembers of a time is of an earlier schedule, and past */
	t->tv_sec = CLOCK_START_S + (time_t)first_owner * 1000 + (time_t)(ns / 1000000000u);
	t->tv_nsec = (long)(ns % 1000000000u);
	return 0;
}

/* --- locks: the first word is the owner's number, counted from 1; no actor is OUTSIDE */

#define OUTSIDE UINT32_MAX

static uint32_t *word_of(pthread_mutex_t *mutex)
{
	return (uint32_t *)(void *)mutex;
}

static bool owner_dead(uint32_t owner)
{
	if (owner == OUTSIDE)
		return false;
	if (owner < first_owner)
		return true; /* killed in an earlier schedule */
	if (actors[owner - first_owner].state == ACTOR_ENDED)
		die("an actor has ended with a lock");
	return actors[owner - first_owner].state == ACTOR_DEAD;
}

/* EBUSY, or it is ours: 0 or EOWNERDEAD. */
static int lock_try(pthread_mutex_t *mutex)
{
	uint32_t *word = word_of(mutex);
	uint32_t owner = *word;

	if (owner && !owner_dead(owner))
		return EBUSY;
	*word = self >= 0 ? (uint32_t)self + first_owner : OUTSIDE;
	return owner ? EOWNERDEAD : 0;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	step_point();
	return lock_try(mutex);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	step_point();
	while (lock_try(mutex) == EBUSY) {
		if (self < 0)
			die("a lock that nobody will give back");
		sched_yield_now();
	}
	return 0;
}

int pthread_mutex_consistent(pthread_mutex_t *mutex)
{
	(void)mutex;
	return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	*word_of(mutex) = 0;
	step_point();
	return 0;
}
