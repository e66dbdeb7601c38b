/* SPDX-License-Identifier: MIT */
#include "core/origin/io.h"

#include <errno.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/shared/cache.h"
#include "core/origin/file.h"

static const struct io_backend *const backends[] = { &io_threads_backend, &io_uring_backend };

/* The places in the table above; NEVER: neither is used. */
#define THREADS 0u
#define URING 1u
#define NEVER 2u

/* The backends that failed: a bit for each. */
static uint32_t failed;

/*
 * io_uring is used only if it is asked for: the kernel does its work in the program's own thread, and a
 * completion interrupts the system call in which the program waits. Measured on Linux 6.18: a blocking
 * sendfile() of 1,048,575 bytes ended after 851,968; epoll_wait() of a program without a signal handler
 * returned EINTR 20 times of 20 after POSIX_FADV_WILLNEED, and never with threads.
 */
static const uint8_t preferred[][2] = {
	[RAWCACHE_IO_AUTO] = { THREADS, NEVER },
	[RAWCACHE_IO_URING] = { URING, THREADS },
	[RAWCACHE_IO_THREADS] = { THREADS, NEVER },
	[RAWCACHE_IO_SYNC] = { NEVER, NEVER },
};

static uint32_t choose(const struct rawcache *cache)
{
	uint32_t io = cache->options.io < ARRAY_SIZE(preferred) ? cache->options.io : 0;
	uint32_t bad = load_relaxed(&failed);

	for (int i = 0; i < 2; i++) {
		uint32_t n = preferred[io][i];

		if (n != NEVER && !(bad & 1u << n))
			return n;
	}
	return NEVER;
}

const struct io_backend *io_backend_choose(const struct rawcache *cache)
{
	uint32_t n = choose(cache);

	return n == NEVER ? NULL : backends[n];
}

int io_start(struct rawcache *cache, struct io_request *request)
{
	int err = -ENOSYS;
	uint32_t n;

	store_relaxed(&request->done, IO_RUNNING);
	request->reads = false;
	while ((n = choose(cache)) != NEVER) {
		request->backend = backends[n];
		err = backends[n]->start(cache, request);
		/* a short shortage is no reason to give the backend up */
		if (!err || err == -EAGAIN || err == -EBUSY || err == -EBADF)
			return err;
		log_info("%s is not available: error %d", backends[n]->name, err);
		__atomic_fetch_or(&failed, 1u << n, __ATOMIC_RELAXED);
	}
	return err;
}

void io_wait(struct io_request *request)
{
	if (!io_done(request) && !load_relaxed(&request->urgent) && request->backend->hurry)
		request->backend->hurry(request);
	while (!io_done(request))
		request->backend->wait(request);
}

void io_poll(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		backends[i]->poll();
}

void io_forget(struct file *file)
{
	store_relaxed(&file->opened_by_helpers, 0);
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->forget)
			backends[i]->forget(file);
}

ssize_t io_read_origin(int fd, void *buf, size_t n, uint64_t offset)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = sys_pread(fd, (char *)buf + have, n - have, offset + have);

		stats_add(origin_reads, 1);
		if (got == -EINTR && have)
			continue;
		if (got < 0)
			return have ? (ssize_t)have : got;
		if (!got)
			break;
		stats_add(origin_bytes, (uint64_t)got);
		have += (size_t)got;
	}
	return (ssize_t)have;
}

void io_fork_prepare(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		backends[i]->fork_prepare();
}

void io_fork_parent(void)
{
	for (size_t i = ARRAY_SIZE(backends); i-- > 0;)
		backends[i]->fork_parent();
}

void io_fork_child(void)
{
	for (size_t i = ARRAY_SIZE(backends); i-- > 0;)
		backends[i]->fork_child();
}

bool io_owns_fd(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->owns_fd(fd))
			return true;
	return false;
}
