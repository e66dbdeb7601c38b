/* SPDX-License-Identifier: MIT */
/*
 * The part of io_uring(7) that io_uring.c needs: a ring of reads. liburing has all of it; but a library
 * that is loaded at the start of every program costs each of them as much as the rest of ours, and hardly
 * any of them makes a ring. No locks: the caller must let in one thread at a time.
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
	void *queues, *completions; /* the mappings; the same one on all but old kernels */
	size_t queues_bytes, completions_bytes, entries_bytes;
	uint32_t *sq_head, *sq_tail, *sq_array;
	uint32_t *cq_head, *cq_tail;
	uint32_t sq_entries, sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

/* Make a ring for `entries` requests, with waits that can time out. 0 or -errno. */
int ring_open(struct ring *ring, uint32_t entries);
void ring_close(struct ring *ring);

/* For a fork child: only unmap. The ring is the parent's. */
void ring_unmap(struct ring *ring);

/* Calls io_uring_register(2): its result, or -errno. */
int ring_register(const struct ring *ring, unsigned int what, const void *arg, unsigned int count);

/*
 * Submit a read of `n` bytes at `offset` of the registered file `place`, for the kernel's workers;
 * ring_reap() returns `data` when it ends. 0; -EAGAIN: no room; or -errno: the kernel may still take the
 * entry later.
 */
int ring_read(struct ring *ring, uint32_t place, void *buf, uint32_t n, uint64_t offset,
	      uint64_t data);

/* Collect the next read that has ended: its data and its result. Returns false if there is none. */
bool ring_reap(struct ring *ring, uint64_t *data, int32_t *result);

#endif
