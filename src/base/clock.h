/* SPDX-License-Identifier: MIT */
/* Clocks. clock_gettime() is a vDSO call, and the shim does not hook it. */
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

/* Monotonic time, for durations: it does not jump when the wall clock is set. */
static inline uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* The same in milliseconds: cheaper, and a few milliseconds coarse. */
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

/* File systems record times in steps of up to two seconds (vfat): a change may hide for this long. */
#define CLOCK_STEP_MS 2000u

/*
 * The clock from which the kernel takes the times of files. It advances with the timer tick, which may be
 * late on a busy machine: the age of a file time must be computed from this clock only.
 */
static inline uint64_t clock_file_ns(void)
{
	return clock_ns(CLOCK_REALTIME_COARSE);
}

/* A counter of the processor, read by one instruction. Its rate must be measured. */
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
