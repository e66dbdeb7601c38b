/* SPDX-License-Identifier: MIT */
/*
 * Moments: a test steps into the middle of the engine by taking the place of what the engine
 * calls. A program that has moment.c among its sources gives these functions to the engine.
 */
#ifndef TESTS_MOMENT_H
#define TESTS_MOMENT_H

#include <stdbool.h>

enum moment {
	MOMENT_CLOCK, /* clock_gettime() */
	MOMENT_LOCK,  /* pthread_mutex_trylock(): a lock of the segment is wanted, and none held */
	MOMENT_MUTEX, /* pthread_mutex_lock(): a lock of the process is wanted */
	MOMENT_BOOT_ID, /* secure_getenv(): after the superblock was read, before any lock */
	MOMENT_COUNT,
};

/* Let the calling thread call step(arg) at the n-th of these from now on; once. n 0: never. */
void moment_set(enum moment moment, unsigned int n, void (*step)(void *arg), void *arg);

/* Whether it has come since it was set. It does not come any more. */
bool moment_came(enum moment moment);

#endif
