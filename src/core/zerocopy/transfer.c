/* SPDX-License-Identifier: MIT */
/*
 * Transfers of cached files inside the kernel: see rawcache/zerocopy.h.
 *
 * A transfer may wait in the kernel for as long as a socket's peer likes, and a signal handler may
 * leave it there by siglongjmp(), or the thread be cancelled. What it held stands in `transfer_held`, and is
 * given back by the next transfer of the thread, or by rawcache_thread_recover().
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/fault_mask.h"
#include "base/guard.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/index/verify.h"
#include "core/read/copy_policy.h"
#include "core/zerocopy/map_follow.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/thread_held.h"
#include "core/shared/pin.h"
#include "core/read/file_run.h"
#include "core/shared/send.h"
#include "core/shared/storage.h"
#include "core/read/prefault.h"

/* Compared and sent in pieces of this size: the processor's caches still have it when the kernel sends it. */
#define SAME_MAX (128u << 10)
#define LINE 64u

uint64_t rawcache_mmap_threshold(const struct rawcache *cache)
{
	return copy_policy_threshold(cache);
}

uint64_t rawcache_mmap_threshold_fixed(const struct rawcache *cache)
{
	return copy_policy_threshold_fixed(cache);
}

int rawcache_set_mmap_threshold(struct rawcache *cache, uint64_t bytes)
{
	if (!cache->runtime.header || cache->runtime.read_only)
		return -EROFS;
	store_relaxed(&cache->runtime.header->mmap_threshold, bytes);
	return 0;
}

static bool is_pipe(int fd)
{
	struct statx stx;

	return !sys_fstatx(fd, &stx) && S_ISFIFO(stx.stx_mode);
}

/*
 * Whether write() behaves the same. To a pipe it waits for room for all bytes, while sendfile() does not;
 * sendfile() refuses to append, and many devices, but not direct I/O.
 */
static bool write_suits(const struct rawcache_transfer *t)
{
	struct statx stx;

	if (sys_fstatx(t->out, &stx))
		return false;
	return S_ISSOCK(stx.stx_mode) ||
	       (S_ISREG(stx.stx_mode) && !(sys_fcntl(t->out, F_GETFL, 0) & (O_APPEND | O_DIRECT)));
}

/*
 * Copy the bytes straight from the mapping; cold ones are brought into memory before the kernel touches
 * them.
 */
static ssize_t transfer_write(struct rawcache *cache, const struct rawcache_transfer *t,
			      const struct run *run)
{
	const char *data = cache->image.data + run->at;
	ssize_t n;

	if (!cache->image.data || !write_suits(t))
		return -ENODATA;
	prefault_extent(cache, (uint32_t)(run->at >> FORMAT_PAGE_SHIFT),
			run->length + run->at % FORMAT_PAGE);
	if (!t->out_offset) {
		n = sys_write(t->out, data, run->length);
	} else {
		n = sys_pwrite(t->out, data, run->length, *t->out_offset);
		if (n > 0)
			*t->out_offset += (uint64_t)n;
	}
	/* it is our buffer that is bad: the image cannot be read */
	return n == -EFAULT ? -ENODATA : n;
}

/* A failure of the image's storage, or 0 bytes where it was truncated, must not reach the program. */
static ssize_t transfer_result(struct rawcache *cache, ssize_t n)
{
	if (n && n != -EIO && n != -EFAULT)
		return n;
	storage_failed(cache, n ? (int)n : -EIO);
	return -ENODATA;
}

/* A cancellation point as libc makes its own: the request is acted upon in the system call. */
static ssize_t sendfile_cancelled(int out, int in, uint64_t *at, size_t n)
{
	ssize_t done;
	int type;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	done = sys_sendfile(out, in, at, n);
	pthread_setcanceltype(type, NULL);
	return done;
}

static ssize_t transfer_call(struct rawcache *cache, const struct rawcache_transfer *t,
			     const struct run *run)
{
	uint64_t at = cache->image.sb.data_offset + run->at;

	if (t->way == RAWCACHE_TRANSFER_SPLICE)
		return send_allowed(cache) ? sys_splice(cache->image.fd, &at, t->out, NULL,
							run->length, t->flags) :
					     -ENODATA;
	if (t->way == RAWCACHE_TRANSFER_WRITE || !send_allowed(cache))
		return transfer_write(cache, t, run);
	if (t->cancel)
		return sendfile_cancelled(t->out, cache->image.fd, &at, run->length);
	return sys_sendfile(t->out, cache->image.fd, &at, run->length);
}

/* Bytes that a program read from the cache before were counted then. */
static void transfer_count(const struct rawcache *cache, const struct rawcache_transfer *t,
			   ssize_t n, bool again)
{
	if (n <= 0)
		return;
	stats_add(hits, !again);
	stats_add(hit_bytes, again ? 0 : (uint64_t)n);
	stats_add(elided_bytes, again ? (uint64_t)n : 0);
	if (t->way == RAWCACHE_TRANSFER_WRITE || !send_allowed(cache)) {
		stats_add(mmap_reads, 1);
		stats_add(mmap_bytes, (uint64_t)n);
		return;
	}
	stats_add(sendfile_transfers, 1);
	stats_add(sendfile_bytes, (uint64_t)n);
}

/* What a run must hold. */
struct expected {
	const char *bytes; /* NULL: anything */
	bool fixed;	   /* pages that nobody can have written to, if they are those of the run */
};

/* Compare the ends only: a page fault for each page would cost more than a copy by the kernel. */
static bool ends_same(const char *bytes, const char *src, size_t n)
{
	size_t last = n < LINE ? 0 : n - LINE;

	return guard_same(bytes, src, n - last) && guard_same(bytes + last, src + last, n - last);
}

static bool run_expected(const struct rawcache *cache, const struct run *run,
			 const struct expected *expected)
{
	const char *data = cache->image.data + run->at;

	if (!expected->bytes)
		return true;
	return expected->fixed ? ends_same(expected->bytes, data, run->length) :
				 guard_same(expected->bytes, data, run->length);
}

static int held_pin(struct rawcache *cache, const struct run *run)
{
	int pin = pin_get(cache, run->region, run->generation);

	if (pin < 0)
		return pin == -ESTALE ? -ESTALE : -ENODATA;
	transfer_held.pin = pin;
	return 0;
}

/*
 * Find and pin the run at the beginning of `span`. If the thread blocks the signals of faults, they are
 * opened here, for faults in the index and the region table, but not in the transfer, which may wait for
 * long.
 */
static int run_pinned(struct rawcache *cache, const struct span *span, struct run *run)
{
	struct fault_window window;
	int err;

	fault_window_open(&window);
	err = run_fetch(cache, span, run);
	if (!err)
		err = held_pin(cache, run);
	fault_window_close(&window);
	return err;
}

/* The same of mapped bytes. *changeable: somebody may have written to them. */
static int mapped_pinned(struct rawcache *cache, const void *bytes, size_t length, struct run *run,
			 bool *changeable)
{
	struct fault_window window;
	int err = -ENODATA;

	fault_window_open(&window);
	if (rawcache_maps_touch(cache, bytes, length) &&
	    maps_run(&cache->maps, bytes, length, run, changeable))
		err = held_pin(cache, run);
	fault_window_close(&window);
	return err;
}

/* One call on one run, pinned. */
static ssize_t transfer_run(struct rawcache *cache, const struct rawcache_transfer *t,
			    const struct run *run, const struct expected *expected)
{
	ssize_t n = -ENODATA;

	CRASH_POINT(send_pinned);
	if (run_expected(cache, run, expected))
		n = transfer_result(cache, transfer_call(cache, t, run));
	CRASH_POINT(send_done);
	held_unpin(cache);
	transfer_count(cache, t, n, expected->bytes);
	return n;
}

/* The first run of `span`, however long it is. */
static ssize_t transfer_piece(struct rawcache *cache, const struct span *span,
			      const struct rawcache_transfer *t, const struct expected *expected,
			      struct run *run)
{
	ssize_t n = -ESTALE;

	for (int tries = 0; tries < STALE_TRIES && n == -ESTALE; tries++) {
		if (file_written(span->file))
			return -ESTALE;
		n = run_pinned(cache, span, run);
		if (!n)
			n = transfer_run(cache, t, run, expected);
	}
	/* the region goes round faster than we look */
	return n == -ESTALE ? -ENODATA : n;
}

static ssize_t transfer_pieces(struct rawcache *cache, struct span rest,
			       const struct rawcache_transfer *t)
{
	struct rawcache_transfer more;
	size_t done = 0;

	while (rest.length) {
		struct run run;
		ssize_t n = transfer_piece(cache, &rest, t, &(struct expected){ 0 }, &run);

		if (n <= 0)
			return done ? (ssize_t)done : n;
		done += (size_t)n;
		rest.offset += (uint64_t)n;
		rest.length -= (uint64_t)n;
		if ((uint64_t)n < run.length)
			break;
		/* a pipe takes what it has room for: another call must not wait for its reader */
		if (rest.length && t != &more && is_pipe(t->out)) {
			more = *t;
			more.way = RAWCACHE_TRANSFER_SPLICE;
			more.flags |= SPLICE_F_NONBLOCK;
			t = &more;
		}
	}
	return (ssize_t)done;
}

/* A reference is held, because what is learned of chunks is written into the object. */
static int transfer_begin(struct rawcache *cache, uint64_t handle, struct file **file)
{
	if (load_relaxed(&cache->broken) || !image_fd_valid(&cache->image))
		return -ENODATA;
	*file = file_at(cache, handle);
	if (!*file || !file_hold(cache, *file, handle))
		return -ESTALE;
	held_begin(cache, *file);
	return 0;
}

ssize_t rawcache_file_transfer(struct rawcache *cache, uint64_t handle, int fd,
			       const struct rawcache_transfer *t, uint64_t offset, size_t length)
{
	struct span span = { .handle = handle, .fd = fd, .offset = offset };
	uint64_t size;
	ssize_t n = transfer_begin(cache, handle, &span.file);

	if (n)
		return n;
	size = load_relaxed(&span.file->size);
	span.length = offset < size ? min_u64(length, size - offset) : 0;
	n = transfer_pieces(cache, span, t);
	held_end();
	return n;
}

ssize_t rawcache_file_transfer_same(struct rawcache *cache, uint64_t handle,
				    const struct rawcache_transfer *t, const void *bytes,
				    uint64_t offset, size_t *length)
{
	const struct expected expected = { .bytes = bytes };
	struct span span = {
		.handle = handle, .fd = -1, .offset = offset, .length = min_u64(*length, SAME_MAX)
	};
	struct run run;
	ssize_t n;

	if (!cache->image.data || !send_allowed(cache))
		return -ENODATA;
	n = transfer_begin(cache, handle, &span.file);
	if (n)
		return n;
	n = transfer_piece(cache, &span, t, &expected, &run);
	held_end();
	*length = n > 0 ? run.length : *length;
	return n ? n : -ENODATA;
}

ssize_t rawcache_maps_transfer(struct rawcache *cache, const struct rawcache_transfer *t,
			       const void *bytes, size_t *length)
{
	struct expected expected = { .bytes = bytes };
	struct run run;
	bool changeable;
	ssize_t n;

	if (!cache->image.data || !send_allowed(cache) || load_relaxed(&cache->broken) ||
	    !image_fd_valid(&cache->image))
		return -ENODATA;
	held_begin(cache, NULL);
	n = mapped_pinned(cache, bytes, *length, &run, &changeable);
	if (!n) {
		expected.fixed = !changeable;
		if (changeable)
			run.length = min_u64(run.length, SAME_MAX);
		n = transfer_run(cache, t, &run, &expected);
	}
	held_end();
	if (n == -ESTALE || !n)
		return -ENODATA;
	*length = n > 0 ? run.length : *length;
	return n;
}
