/* SPDX-License-Identifier: MIT */
#include "core/io.h"

#include <errno.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/cache.h"

static const struct io_backend *const backends[] = { &io_uring_backend, &io_threads_backend };

/* How many of them, from the front, have failed. */
static uint32_t failed;

/*
 * io_uring only where it is asked for: a completion interrupts the system call that the program
 * waits in. Measured: a blocking sendfile() of 1,048,575 bytes ended after 851,968.
 */
static uint32_t first_wanted(const struct rawcache *cache)
{
	switch (cache->options.io) {
	case RAWCACHE_IO_SYNC:
		return ARRAY_SIZE(backends);
	case RAWCACHE_IO_URING:
		return 0;
	default:
		return 1;
	}
}

const struct io_backend *io_backend_choose(const struct rawcache *cache)
{
	uint32_t first = first_wanted(cache);
	uint32_t n = load_relaxed(&failed);

	if (n < first)
		n = first;
	return n < ARRAY_SIZE(backends) ? backends[n] : NULL;
}

int io_start(struct rawcache *cache, struct io_request *request)
{
	const struct io_backend *backend;
	int err = -ENOSYS;

	store_relaxed(&request->done, IO_RUNNING);
	while ((backend = io_backend_choose(cache))) {
		uint32_t n = backend == backends[0] ? 0 : 1;

		request->backend = backend;
		err = backend->start(cache, request);
		/* a moment's shortage is no reason to give the whole way up */
		if (!err || err == -EAGAIN || err == -EBUSY || err == -EBADF)
			return err;
		log_info("%s is not available: error %d", backend->name, err);
		cas(&failed, &n, n + 1);
		if (n < load_relaxed(&failed))
			continue;
		store_relaxed(&failed, n + 1);
	}
	return err;
}

void io_wait(struct io_request *request)
{
	while (!io_done(request))
		request->backend->wait(request);
}

void io_poll(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		backends[i]->poll();
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
