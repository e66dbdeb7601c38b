/* SPDX-License-Identifier: MIT */
/*
 * Memory that does not come from malloc(): the shim may run inside a program's allocator, in a signal
 * handler, or in a process whose allocator is not initialised yet.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the blocks of a short program lie. */
extern char memory_first[];

/*
 * Zeroed private pages, or NULL. Pages that are never touched cost address space only, but a few are mapped at once:
 * a page fault takes longer than that.
 */
void *memory_map(size_t n);
void memory_unmap(void *p, size_t n);

/*
 * Map pages that are about to be touched by one call, in place of a page fault for each. If the kernel refuses, or
 * is too old, nothing is lost. Pages of a file that are mapped to be written count as changed.
 */
void memory_expect(const void *p, size_t n, bool write);

/*
 * Reserve `n` bytes of address space, whole pages without access, at an address that is `residue` modulo
 * `align`. Returns -errno as an address on failure (sys_is_error()).
 */
char *memory_reserve_aligned(size_t n, size_t align, uint64_t residue);

/* The same at the address `at`. False: another thread has mapped something there. */
bool memory_reserve_at(void *at, size_t n);

/*
 * Blocks of a power-of-two size. Freed blocks are kept for the same size and never returned to
 * the kernel, so that a reader with a stale pointer reads old numbers instead of faulting.
 * Blocks of 4 KiB and more begin on a page. memory_get() zeroes; it returns NULL when there is
 * no memory. Thread-safe; callers hold a critical section.
 */
void *memory_get(size_t n);
void memory_put(void *p, size_t n);

/*
 * The same for objects that others may still look at after they were freed: such a block is reused only for
 * objects of the same `same`, and is not zeroed. `same` must be static and zero.
 */
struct memory_same {
	void *free;
};
void *memory_get_same(struct memory_same *same, size_t n);
void memory_put_same(struct memory_same *same, void *p, size_t n);

/* Around fork(): no other thread may hold the pool's lock then. */
void memory_fork_prepare(void);
void memory_fork_release(void);

#endif
