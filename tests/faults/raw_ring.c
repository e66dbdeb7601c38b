/* SPDX-License-Identifier: MIT */
#include "faults/raw_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compiler.h"

#define ENTRIES 4u

static __thread struct {
	int fd; /* + 1 */
	struct io_uring_params params;
	char *submitted, *completed; /* one mapping, if the kernel says so */
	struct io_uring_sqe *entries;
} raw;

static void *raw_map(size_t n, off_t offset)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, raw.fd - 1,
		       offset);

	return p == MAP_FAILED ? NULL : p;
}

static int raw_make(void)
{
	struct io_uring_params *p = &raw.params;

	if (raw.fd)
		return raw.entries ? 0 : -1;
	raw.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, p) + 1;
	if (!raw.fd)
		return -1;
	raw.submitted = raw_map(p->sq_off.array + p->sq_entries * sizeof(uint32_t),
				IORING_OFF_SQ_RING);
	raw.completed = raw_map(p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
				IORING_OFF_CQ_RING);
	raw.entries = raw_map(p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	return raw.submitted && raw.completed && raw.entries ? 0 : -1;
}

static uint32_t *word(char *queue, uint32_t offset)
{
	return (uint32_t *)(void *)(queue + offset);
}

static int raw_do(const struct io_uring_sqe *entry)
{
	const struct io_uring_cqe *cqes;
	uint32_t *tail, *head;
	uint32_t at;
	int result;

	if (raw_make())
		return -1;
	tail = word(raw.submitted, raw.params.sq_off.tail);
	at = *tail & (raw.params.sq_entries - 1);
	raw.entries[at] = *entry;
	word(raw.submitted, raw.params.sq_off.array)[at] = at;
	store_release(tail, *tail + 1);
	if (syscall(SYS_io_uring_enter, raw.fd - 1, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -1;
	head = word(raw.completed, raw.params.cq_off.head);
	while (load_acquire(word(raw.completed, raw.params.cq_off.tail)) == *head)
		syscall(SYS_io_uring_enter, raw.fd - 1, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	cqes = (const struct io_uring_cqe *)(const void *)(raw.completed + raw.params.cq_off.cqes);
	result = cqes[*head & (raw.params.cq_entries - 1)].res;
	store_release(head, *head + 1);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

ssize_t raw_pread(int fd, void *buf, size_t n, off_t at)
{
	struct io_uring_sqe entry = { .opcode = IORING_OP_READ,
				      .fd = fd,
				      .off = (uint64_t)at,
				      .addr = (uintptr_t)buf,
				      .len = (uint32_t)n };

	return raw_do(&entry);
}

ssize_t raw_read(int fd, void *buf, size_t n)
{
	return raw_pread(fd, buf, n, -1);
}

int raw_open(const char *path)
{
	struct io_uring_sqe entry = { .opcode = IORING_OP_OPENAT,
				      .fd = AT_FDCWD,
				      .addr = (uintptr_t)path,
				      .open_flags = O_RDONLY };

	return raw_do(&entry);
}

int raw_close(int fd)
{
	struct io_uring_sqe entry = { .opcode = IORING_OP_CLOSE, .fd = fd };

	return raw_do(&entry);
}
