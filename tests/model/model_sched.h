/* SPDX-License-Identifier: MIT */
/*
 * A scheduler for the model test: actors are coroutines, and the engine, built with
 * ENABLE_STEPS, hands over at each atomic step. Who goes on is decided by a seed alone, and so
 * are time and the fate of locks: a schedule can be run again.
 *
 * A lock of the engine holds the number of the actor that has it, in shared memory as elsewhere;
 * an actor that was killed leaves it to the next with EOWNERDEAD.
 */
#ifndef TESTS_MODEL_SCHED_H
#define TESTS_MODEL_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#define ACTORS_MAX 64

/* Begin anew: no actors, time 0. */
void sched_reset(uint64_t seed);
/* An actor that will run body(arg); its number, from 0. */
int sched_spawn(void (*body)(void *arg), void *arg);
/* It never goes on; its locks are a dead one's. */
void sched_kill(int actor);
/* Let one actor run to the next switch; false: none is left. */
bool sched_run(void);
uint64_t sched_steps(void);
int sched_self(void); /* the actor that runs, or -1 */
bool sched_ended(int actor);
/* Whether locks are waited for until they come: in half of all schedules they are not always. */
bool sched_patient(void);
/* Hand over to another actor now. */
void sched_yield_now(void);
/* Between these the actor that runs is not interrupted. */
void sched_quiet(bool quiet);

#endif
