/* SPDX-License-Identifier: MIT */
/* Clocks. clock_gettime() is a vDSO call and hooked by nobody. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Durations: does not jump. */
static inline uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* Cheap, a few milliseconds coarse. */
static inline uint64_t clock_coarse_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

/* Wall time. */
static inline uint64_t clock_real_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static inline uint64_t clock_real_s(void)
{
	return clock_real_ns() / 1000000000u;
}

/*
 * The clock that the kernel takes file times from. It moves when a tick is served, which may be late on a busy
 * machine: only beside this one can be told how old a file time is.
 */
static inline uint64_t clock_file_ns(void)
{
	return clock_ns(CLOCK_REALTIME_COARSE);
}

/* A counter of the processor: an instruction, of a rate that has to be found out. */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#endif
}

#endif
