/* SPDX-License-Identifier: MIT */
/*
 * Requests by io_uring: no threads of ours, the kernel's workers wait for the origin. io.c says why this is
 * not the first choice.
 *
 * The ring is made when it is first needed and belongs to one process; a fork child drops it without
 * telling the kernel. All requests go to the kernel's workers at once (IOSQE_ASYNC): if the kernel
 * continued a buffered read in the submitting thread, it would interrupt whatever system call the program
 * is in by then, and epoll_wait() would report that to the program. Such a request finds its file when a
 * worker begins with it, and by then the program may have closed the descriptor and opened something else:
 * so the file is registered with the ring, and checked, before the request is queued, and unregistered when
 * it has ended.
 *
 * Locks: ring_lock, inside a critical section, around the queues; nobody sleeps while holding it.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <string.h>

#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/origin/file.h"
#include "core/origin/io.h"
#include "core/origin/ring.h"

#define ENTRIES 64u /* more than the fetches that there may be: FETCHES */
#define WORKERS \
	16u /* threads of the kernel for all devices: as many as two lanes have (io_lanes.h) */
#define WAIT_NS 2000000 /* another thread may have collected our completion */

enum { RING_NONE, RING_UP, RING_FAILED };

static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ring ring;
static uint32_t ring_state;
/* indexed by the place of the request's file in the ring */
static struct io_request *running[ENTRIES];

static void uring_lock(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&ring_lock);
}

static void uring_unlock(struct critical *critical)
{
	pthread_mutex_unlock(&ring_lock);
	critical_leave(critical);
}

static int ring_begin(void)
{
	unsigned int workers[2] = { WORKERS, 0 };
	int none[ENTRIES];
	int err = ring_open(&ring, ENTRIES);

	if (err)
		return err;
	ring.fd = image_fd_hide(ring.fd);
	if (ring.fd < 0) {
		ring_unmap(&ring);
		return ring.fd;
	}
	CRASH_POINT(ring_made);
	ring_register(&ring, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2);
	for (size_t i = 0; i < ENTRIES; i++)
		none[i] = -1;
	err = ring_register(&ring, IORING_REGISTER_FILES, none, ENTRIES);
	if (err)
		ring_close(&ring);
	return err;
}

static int ring_file(size_t place, int fd)
{
	struct io_uring_files_update update = { .offset = (uint32_t)place, .fds = (uintptr_t)&fd };
	int n = ring_register(&ring, IORING_REGISTER_FILES_UPDATE, &update, 1);

	return n == 1 ? 0 : n < 0 ? n : -EIO;
}

static void request_end(struct io_request *request, int32_t result, uint32_t how)
{
	request->result = result;
	store_release(&request->done, how);
	/* pairs with the look in io_done() */
}

/* Under the lock. */
static void requests_reap(void)
{
	uint64_t data;
	int32_t result;

	while (ring_state == RING_UP && ring_reap(&ring, &data, &result)) {
		struct io_request *request = (struct io_request *)(uintptr_t)data;

		CRASH_POINT(ring_seen);
		for (size_t i = 0; i < ENTRIES; i++) {
			if (running[i] != request)
				continue;
			running[i] = NULL;
			ring_file(i, -1);
		}
		request_end(request, result, IO_DONE);
	}
}

/* Under the lock: the program closed our descriptor. Requests under way may end at any time. */
static void ring_lose(void)
{
	ring_state = RING_FAILED;
	for (size_t i = 0; i < ENTRIES; i++) {
		if (running[i])
			request_end(running[i], -EIO, IO_LOST);
		running[i] = NULL;
	}
}

static int ring_submit(const struct rawcache *cache, struct io_request *request)
{
	uint32_t number = number_now(cache, request->fd);
	size_t i = 0;
	int err;

	while (i < ENTRIES && running[i])
		i++;
	if (i == ENTRIES)
		return -EAGAIN;
	err = ring_file(i, request->fd);
	if (err)
		return err;
	/* the registered file must be the file */
	if (!file_unchanged(request->file, request->fd) ||
	    !number_same(cache, request->fd, number)) {
		ring_file(i, -1);
		return -EBADF;
	}
	CRASH_POINT(ring_filed);
	running[i] = request;
	err = ring_read(&ring, (uint32_t)i, request->buf, request->length, request->offset,
			(uintptr_t)request);
	CRASH_POINT(ring_queued);
	if (!err)
		return 0;
	/* the entry stays in the queue and might be submitted later, with a buffer that is gone */
	running[i] = NULL;
	ring_lose();
	return err;
}

static int uring_start(struct rawcache *cache, struct io_request *request)
{
	struct critical critical;
	int err = 0;

	uring_lock(&critical);
	if (ring_state == RING_NONE) {
		err = ring_begin();
		ring_state = err ? RING_FAILED : RING_UP;
	} else if (ring_state == RING_FAILED) {
		err = -ENOSYS;
	}
	if (!err) {
		requests_reap();
		err = ring_submit(cache, request);
	}
	uring_unlock(&critical);
	return err;
}

static void uring_poll(void)
{
	struct critical critical;

	if (load_relaxed(&ring_state) != RING_UP)
		return;
	uring_lock(&critical);
	requests_reap();
	uring_unlock(&critical);
}

static void uring_wait(struct io_request *request)
{
	struct __kernel_timespec ts = { .tv_nsec = WAIT_NS };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };
	struct critical critical;
	long err = 0;

	uring_poll();
	if (io_done(request))
		return;
	if (load_relaxed(&ring_state) == RING_UP)
		err = SYS_CALL(__NR_io_uring_enter, ring.fd, 0, 1,
			       IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
	if (err < 0 && err != -ETIME && err != -EINTR && err != -EAGAIN && err != -EBUSY) {
		uring_lock(&critical);
		ring_lose();
		uring_unlock(&critical);
	}
}

static void uring_fork_prepare(void)
{
	pthread_mutex_lock(&ring_lock);
}

static void uring_fork_parent(void)
{
	pthread_mutex_unlock(&ring_lock);
}

static void uring_fork_child(void)
{
	if (ring_state == RING_UP) {
		ring_close(&ring); /* only our copies: the parent's ring is still in use */
		ring_state = RING_NONE;
	}
	memset(running, 0, sizeof(running));
	pthread_mutex_unlock(&ring_lock);
}

static bool uring_owns_fd(int fd)
{
	return load_relaxed(&ring_state) == RING_UP && fd == ring.fd;
}

const struct io_backend io_uring_backend = {
	.name = "io_uring",
	.start = uring_start,
	.wait = uring_wait,
	.poll = uring_poll,
	.fork_prepare = uring_fork_prepare,
	.fork_parent = uring_fork_parent,
	.fork_child = uring_fork_child,
	.owns_fd = uring_owns_fd,
};
