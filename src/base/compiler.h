/* SPDX-License-Identifier: MIT */
/* What the compiler offers beyond C11, under short names. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stddef.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* clang-format takes (p) for a cast */
/* clang-format off */
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
/* clang-format on */
#define never_inline __attribute__((noinline))
#define rare __attribute__((cold, noinline))
/*
 * For zeroed tables of a page and more: they lie behind all other variables (--sort-section of the preload object),
 * so that a program that starts touches few pages. gcc takes what is named .bss.* for zeroed.
 */
#define large_table __attribute__((section(".bss.large")))
/*
 * The first of large_table's: a program that starts has the pages up to its beginning mapped at once (start_pages.c).
 */
#define first_table __attribute__((section(".bss.first")))
/*
 * For functions that each program calls when it starts: the linker puts them side by side, between other code and
 * constants, so that a program that starts has both mapped at once (start_pages.c).
 */
#define at_start __attribute__((section("start_code")))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* The only TLS that may be touched inside somebody else's malloc or before main(). */
#define tls_initial __thread __attribute__((tls_model("initial-exec")))

/* Builds of tests that choose which thread runs at each atomic step: tests/model/model_engine.c. */
#ifdef ENABLE_STEPS
void step_point(void);
void step_sleep(void); /* in place of a system call that waits */
#define STEP step_point(),
#else
#define STEP
#endif

/* Atomics on plain fields: shared and disk structures cannot use _Atomic (its size is not fixed). */
#define load_relaxed(p) (STEP __atomic_load_n(p, __ATOMIC_RELAXED))
#define load_acquire(p) (STEP __atomic_load_n(p, __ATOMIC_ACQUIRE))
#define store_relaxed(p, v) (STEP __atomic_store_n(p, v, __ATOMIC_RELAXED))
#define store_release(p, v) (STEP __atomic_store_n(p, v, __ATOMIC_RELEASE))
#define fetch_add(p, v) (STEP __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL))
#define fetch_sub(p, v) (STEP __atomic_fetch_sub(p, v, __ATOMIC_ACQ_REL))
#define fetch_or(p, v) (STEP __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL))
#define fetch_and(p, v) (STEP __atomic_fetch_and(p, v, __ATOMIC_ACQ_REL))
#define cas(p, expected, v) \
	(STEP __atomic_compare_exchange_n(p, expected, v, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
#define fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define fence_full() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
