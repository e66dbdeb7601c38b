/* SPDX-License-Identifier: MIT */
/*
 * As much of io_uring(7) as io_uring.c needs: a ring of reads. liburing has all of it, but a
 * library that is loaded at the start of every program costs each of them as much as the rest of
 * us, and nearly none makes a ring.
 *
 * No locks: the caller sees to it that one thread at a time is in here.
 */
#ifndef CORE_RING_H
#define CORE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io_uring_sqe;
struct io_uring_cqe;

struct ring {
	int fd;
	void *queues, *completions; /* mappings; the same one on all but old kernels */
	size_t queues_bytes, completions_bytes, entries_bytes;
	uint32_t *sq_head, *sq_tail, *sq_array;
	uint32_t *cq_head, *cq_tail;
	uint32_t sq_entries, sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

/* A ring for `entries` requests, whose waits can end by themselves; 0 or -errno. */
int ring_open(struct ring *ring, uint32_t entries);
void ring_close(struct ring *ring);

/* In a fork child, whose parent has it: only the mappings. */
void ring_unmap(struct ring *ring);

/* io_uring_register(2): its result, or -errno. */
int ring_register(const struct ring *ring, unsigned int what, const void *arg, unsigned int count);

/*
 * Hand the kernel a read of `n` bytes at `offset` of the registered file `place`, for its workers;
 * `data` comes back with its end. 0, -EAGAIN without room, -errno: the entry may be taken later.
 */
int ring_read(struct ring *ring, uint32_t place, void *buf, uint32_t n, uint64_t offset,
	      uint64_t data);

/* False: nothing has ended. Else what it was, and its result. */
bool ring_reap(struct ring *ring, uint64_t *data, int32_t *result);

#endif
