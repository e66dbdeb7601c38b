/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/ring.h"

#include <string.h>

#include <linux/aio_abi.h>
#include <linux/io_uring.h>

#include "base/guard.h"

#include "shim/table/watch.h"

#define RINGS 64u /* of a program at a time; another one is a sign: see sign.h */

/* Newer headers have more of them. The numbers are the kernel's interface. */
#define SETUP_SQPOLL (1u << 1)
#define SETUP_SQE128 (1u << 10)
#define SETUP_NO_MMAP (1u << 14)
#define SETUP_REGISTERED_FD_ONLY (1u << 15)
#define SETUP_NO_SQARRAY (1u << 16)
#define SETUP_KNOWN ((1u << 17) - 1)
#define SETUP_UNSEEN (SETUP_SQPOLL | SETUP_SQE128 | SETUP_NO_MMAP | SETUP_REGISTERED_FD_ONLY)
#define ENTER_REGISTERED_RING (1u << 4)

/*
 * The fields are in the order in which they become known. `fd` is stored last and cleared first: a number
 * has one ring, and a program that uses a ring while it closes it cannot expect anything.
 */
struct program_ring {
	int fd; /* + 1; 0: free */
	uint32_t entries, flags;
	uint32_t head, tail, array; /* offsets in the queue's mapping */
	const char *queue;
	const char *sqes;
};

static large_table struct program_ring rings[RINGS];
unsigned int ring_count;

static struct program_ring *ring_find(int fd)
{
	for (unsigned int i = 0; i < RINGS; i++)
		if (load_acquire(&rings[i].fd) == fd + 1)
			return &rings[i];
	return NULL;
}

void ring_closed_slow(int fd)
{
	struct program_ring *ring = ring_find(fd);

	if (ring)
		store_release(&ring->fd, 0);
}

static void ring_note(struct program_ring *ring, int fd, const struct io_uring_params *params)
{
	ring->entries = params->sq_entries;
	ring->flags = params->flags;
	ring->head = params->sq_off.head;
	ring->tail = params->sq_off.tail;
	ring->array = params->sq_off.array;
	store_relaxed(&ring->queue, NULL);
	store_relaxed(&ring->sqes, NULL);
	/* pairs with the acquire load in ring_find() */
	store_release(&ring->fd, fd + 1);
}

void ring_made(int fd, const struct io_uring_params *params)
{
	struct io_uring_params copy;
	int taken = -1;

	ring_closed(fd);
	if (guard_copy(&copy, params, sizeof(copy)) || copy.flags & (SETUP_UNSEEN | ~SETUP_KNOWN)) {
		past_begin(SIGN_RING);
		return;
	}
	for (unsigned int i = 0; i < RINGS; i++) {
		int free = 0;

		/* -1: taken, but not filled in yet */
		if (!load_relaxed(&rings[i].fd) && cas(&rings[i].fd, &free, taken)) {
			fetch_add(&ring_count, 1);
			ring_note(&rings[i], fd, &copy);
			return;
		}
	}
	past_begin(SIGN_RING);
}

void ring_mapped_slow(int fd, unsigned long offset, const char *p)
{
	struct program_ring *ring = ring_find(fd);

	if (!ring)
		return;
	if (offset == IORING_OFF_SQ_RING)
		store_relaxed(&ring->queue, p);
	else if (offset == IORING_OFF_SQES)
		store_relaxed(&ring->sqes, p);
}

/* --- entries */

/*
 * What an entry may do to descriptors, positions and contents. A read may return newer bytes than the cache
 * has: ANY, as everything that is not listed.
 */
enum effect { EFFECT_NONE, EFFECT_WRITE, EFFECT_ANY };

static enum effect effect_of(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_NOP:
	case IORING_OP_FSYNC:
	case IORING_OP_POLL_ADD:
	case IORING_OP_POLL_REMOVE:
	case IORING_OP_TIMEOUT:
	case IORING_OP_TIMEOUT_REMOVE:
	case IORING_OP_ASYNC_CANCEL:
	case IORING_OP_LINK_TIMEOUT:
	case IORING_OP_CONNECT:
	case IORING_OP_STATX:
	case IORING_OP_SEND:
	case IORING_OP_RECV:
	case IORING_OP_EPOLL_CTL:
	case IORING_OP_SHUTDOWN:
		return EFFECT_NONE;
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_FALLOCATE:
		/* the descriptor of a registered file may be closed: then nobody could announce the change */
		return sqe->off == UINT64_MAX || sqe->flags & IOSQE_FIXED_FILE ? EFFECT_ANY :
										 EFFECT_WRITE;
	default:
		return EFFECT_ANY;
	}
}

static bool word_at(const char *base, size_t offset, uint32_t *word)
{
	return !guard_copy(word, base + offset, sizeof(*word));
}

/* The entry at place `at` of the queue. */
static bool entry_at(const struct program_ring *ring, uint32_t at, struct io_uring_sqe *sqe)
{
	uint32_t i = at & (ring->entries - 1);

	if (!(ring->flags & SETUP_NO_SQARRAY) &&
	    !word_at(load_relaxed(&ring->queue), ring->array + i * sizeof(i), &i))
		return false;
	/* the kernel drops entries beyond the queue */
	if (i >= ring->entries) {
		sqe->opcode = IORING_OP_NOP;
		return true;
	}
	return !guard_copy(sqe, load_relaxed(&ring->sqes) + i * sizeof(*sqe), sizeof(*sqe));
}

static enum effect ring_effect(const struct program_ring *ring, uint32_t n)
{
	enum effect most = EFFECT_NONE;
	uint32_t head, tail;

	if (!load_relaxed(&ring->queue) || !load_relaxed(&ring->sqes) ||
	    !word_at(ring->queue, ring->head, &head) || !word_at(ring->queue, ring->tail, &tail))
		return EFFECT_ANY;
	if (n > tail - head)
		n = tail - head;
	if (n > ring->entries)
		return EFFECT_ANY;
	for (uint32_t i = 0; i < n && most != EFFECT_ANY; i++) {
		struct io_uring_sqe sqe;
		enum effect effect = EFFECT_ANY;

		if (entry_at(ring, head + i, &sqe))
			effect = effect_of(&sqe);
		if (effect > most)
			most = effect;
	}
	return most;
}

#define AIO_LOOKED 64 /* more at once are not worth looking at */

static bool aio_reads(void *const *list, long count)
{
	for (long i = 0; i < count; i++) {
		struct iocb cb;
		void *at;

		if (guard_copy(&at, &list[i], sizeof(at)) || guard_copy(&cb, at, sizeof(cb)))
			return false;
		if (cb.aio_lio_opcode == IOCB_CMD_PREAD || cb.aio_lio_opcode == IOCB_CMD_PREADV)
			return true;
	}
	return false;
}

void ring_aio(void *const *list, long count)
{
	if (count > AIO_LOOKED || aio_reads(list, count))
		past_begin(SIGN_RING);
}

bool ring_submits(int fd, unsigned int n, unsigned int flags)
{
	const struct program_ring *ring = flags & ENTER_REGISTERED_RING ? NULL : ring_find(fd);
	enum effect effect = n ? EFFECT_ANY : EFFECT_NONE;

	if (n && ring)
		effect = ring_effect(ring, n);
	if (effect == EFFECT_ANY)
		past_begin(SIGN_RING);
	return effect != EFFECT_NONE;
}
