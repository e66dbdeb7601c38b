/* SPDX-License-Identifier: MIT */
#include "core/origin/ring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/sys.h"

static void *ring_map(int fd, size_t bytes, uint64_t offset)
{
	return sys_mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
}

/* Map the submission queue, and the completion queue if it has a mapping of its own. */
static int queues_map(struct ring *ring, const struct io_uring_params *params)
{
	ring->queues_bytes = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
	ring->completions_bytes = params->cq_off.cqes +
				  params->cq_entries * sizeof(struct io_uring_cqe);
	if (params->features & IORING_FEAT_SINGLE_MMAP)
		ring->queues_bytes = ring->completions_bytes = max_u64(ring->queues_bytes,
								       ring->completions_bytes);
	ring->queues = ring_map(ring->fd, ring->queues_bytes, IORING_OFF_SQ_RING);
	if (sys_is_error(ring->queues))
		return (int)(intptr_t)ring->queues;
	ring->completions = params->features & IORING_FEAT_SINGLE_MMAP ?
				    ring->queues :
				    ring_map(ring->fd, ring->completions_bytes, IORING_OFF_CQ_RING);
	return sys_is_error(ring->completions) ? (int)(intptr_t)ring->completions : 0;
}

static int ring_map_all(struct ring *ring, const struct io_uring_params *params)
{
	char *sq, *cq;
	int err = queues_map(ring, params);

	if (err)
		return err;
	ring->entries_bytes = params->sq_entries * sizeof(struct io_uring_sqe);
	ring->sqes = ring_map(ring->fd, ring->entries_bytes, IORING_OFF_SQES);
	if (sys_is_error(ring->sqes))
		return (int)(intptr_t)ring->sqes;
	sq = ring->queues;
	cq = ring->completions;
	ring->sq_head = (uint32_t *)(sq + params->sq_off.head);
	ring->sq_tail = (uint32_t *)(sq + params->sq_off.tail);
	ring->sq_array = (uint32_t *)(sq + params->sq_off.array);
	ring->sq_mask = *(uint32_t *)(sq + params->sq_off.ring_mask);
	ring->sq_entries = params->sq_entries;
	ring->cq_head = (uint32_t *)(cq + params->cq_off.head);
	ring->cq_tail = (uint32_t *)(cq + params->cq_off.tail);
	ring->cq_mask = *(uint32_t *)(cq + params->cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(cq + params->cq_off.cqes);
	return 0;
}

static void part_unmap(void *part, size_t bytes)
{
	if (part && !sys_is_error(part))
		sys_munmap(part, bytes);
}

void ring_unmap(struct ring *ring)
{
	part_unmap(ring->sqes, ring->entries_bytes);
	if (ring->completions != ring->queues)
		part_unmap(ring->completions, ring->completions_bytes);
	part_unmap(ring->queues, ring->queues_bytes);
	ring->sqes = NULL;
	ring->queues = ring->completions = NULL;
}

void ring_close(struct ring *ring)
{
	ring_unmap(ring);
	sys_close(ring->fd);
	ring->fd = -1;
}

int ring_open(struct ring *ring, uint32_t entries)
{
	struct io_uring_params params;
	int err;

	memset(ring, 0, sizeof(*ring));
	memset(&params, 0, sizeof(params));
	ring->fd = (int)SYS_CALL(__NR_io_uring_setup, entries, &params, 0, 0, 0, 0);
	if (ring->fd < 0)
		return ring->fd;
	err = params.features & IORING_FEAT_EXT_ARG ? ring_map_all(ring, &params) : -ENOSYS;
	if (err)
		ring_close(ring);
	return err;
}

int ring_register(const struct ring *ring, unsigned int what, const void *arg, unsigned int count)
{
	return (int)SYS_CALL(__NR_io_uring_register, ring->fd, what, arg, count, 0, 0);
}

int ring_read(struct ring *ring, uint32_t place, void *buf, uint32_t n, uint64_t offset,
	      uint64_t data)
{
	uint32_t tail = *ring->sq_tail; /* only we change it */
	uint32_t at = tail & ring->sq_mask;
	struct io_uring_sqe *sqe = &ring->sqes[at];
	long taken;

	if (tail - load_acquire(ring->sq_head) >= ring->sq_entries)
		return -EAGAIN;
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_READ;
	sqe->flags = IOSQE_ASYNC | IOSQE_FIXED_FILE;
	sqe->fd = (int)place;
	sqe->addr = (uintptr_t)buf;
	sqe->len = n;
	sqe->off = offset;
	sqe->user_data = data;
	ring->sq_array[at] = at;
	store_release(ring->sq_tail, tail + 1); /* the kernel must see the whole entry */
	taken = SYS_CALL(__NR_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0);
	return taken == 1 ? 0 : taken < 0 ? (int)taken : -EIO;
}

bool ring_reap(struct ring *ring, uint64_t *data, int32_t *result)
{
	uint32_t head = *ring->cq_head; /* only we change it */
	const struct io_uring_cqe *cqe = &ring->cqes[head & ring->cq_mask];

	if (head == load_acquire(ring->cq_tail)) /* pairs with the kernel's release */
		return false;
	*data = cqe->user_data;
	*result = cqe->res;
	store_release(ring->cq_head, head + 1); /* the kernel may use the place again */
	return true;
}
