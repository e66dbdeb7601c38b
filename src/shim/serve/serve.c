/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/serve/serve.h"

#include <errno.h>

#include <rawcache/embed.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/sys.h"

#include "shim/table/attach.h"
#include "shim/serve/elide.h"
#include "shim/files/look.h"
#include "shim/files/track.h"
#include "shim/table/watch.h"

#define ROUNDS 3 /* a file that changes faster is read from the origin */

/* Whether a bypassed handle may be served again: it is time to look, and the file has settled. */
static bool bypass_over(struct handle *handle, int fd)
{
	uint64_t retry = load_relaxed(&handle->retry_ms);

	if (retry != HANDLE_NEVER && clock_coarse_ms() >= retry && track_revalidate(handle, fd))
		return true;
	rawcache_count_bypass(attach_cache_now(), handle->reason);
	return false;
}

/* Whether `file` really ends there, by a read of 0 bytes. Another thread may have found a longer one. */
static bool file_ends(struct handle *handle, int fd, uint64_t file)
{
	return look_same(handle, fd) && load_relaxed(&handle->file) == file;
}

/*
 * The cache's number of the file for a read of `n` bytes that end at `end`, after a look if one is due; or
 * RAWCACHE_NO_FILE.
 */
static uint64_t file_now(struct handle *handle, int fd, size_t n, uint64_t end)
{
	if (look_due(handle, n, end) && !look_before(handle, fd, n, end) &&
	    !track_revalidate(handle, fd))
		return RAWCACHE_NO_FILE;
	/* loaded after the look, which may just have changed it */
	return load_acquire(&handle->file);
}

/*
 * Read into all buffers, from one version of the file. -ESTALE: the file has changed meanwhile, and the
 * buffers may hold bytes of several versions.
 */
static ssize_t buffers_read(uint64_t file, int fd, const struct iovec *iov, int count,
			    uint64_t offset)
{
	size_t done = 0;

	for (int i = 0; i < count; i++) {
		size_t n = iov[i].iov_len;
		ssize_t got;

		if (n > SERVE_MAX - done)
			n = SERVE_MAX - done;
		if (!n)
			continue;
		got = rawcache_file_read(attach_cache_now(), file, fd, iov[i].iov_base, n,
					 offset + done);
		/* bytes that the kernel read into a buffer before it failed count too: it is its answer */
		if (unlikely(got < 0))
			return got;
		elide_note(file, iov[i].iov_base, (size_t)got, offset + done);
		done += (size_t)got;
		if ((size_t)got < n)
			break;
	}
	return (ssize_t)done;
}

/* The sum of the buffers' sizes; 0: nothing to read, or buffers that the kernel refuses before it reads. */
static size_t total_of(const struct iovec *iov, int count)
{
	size_t total = 0;

	for (int i = 0; i < count; i++)
		if (unlikely(!guard_range(iov[i].iov_base, iov[i].iov_len) ||
			     __builtin_add_overflow(total, iov[i].iov_len, &total)))
			return 0;
	return total;
}

/* One try to answer a call from the file with this number. Returns bytes, 0 at its end, or -errno. */
typedef ssize_t answer_fn(uint64_t file, int fd, const void *call);

/*
 * Answer a call for `n` bytes that end at `end`; try again if the file changes meanwhile. Returns bytes; 0
 * at the end of the file; -ENODATA: the file is not served now; -ESTALE: it changes faster than we look; or
 * the error of the try. A read of 0 bytes means the end of the file only if the file is unchanged since its
 * size was learned.
 */
static inline ssize_t answer(struct handle *handle, int fd, size_t n, uint64_t end, answer_fn *try,
			     const void *call)
{
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t file = file_now(handle, fd, n, end);
		ssize_t got;

		if (file == RAWCACHE_NO_FILE)
			return -ENODATA;
		got = try(file, fd, call);
		if (likely(got > 0) || (!got && file_ends(handle, fd, file)))
			return got;
		if (got && got != -ESTALE)
			return got;
		if (!track_revalidate(handle, fd))
			return -ENODATA;
	}
	return -ESTALE;
}

struct buffers {
	const struct iovec *iov;
	int count;
	uint64_t offset;
};

static ssize_t buffers_answer(uint64_t file, int fd, const void *call)
{
	const struct buffers *b = call;

	return buffers_read(file, fd, b->iov, b->count, b->offset);
}

static ssize_t serve_buffers(struct handle *handle, int fd, const struct iovec *iov, int count,
			     uint64_t offset, size_t total)
{
	const struct buffers buffers = { iov, count, offset };
	ssize_t got = answer(handle, fd, total, offset + total, buffers_answer, &buffers);

	/* if the descriptor was closed meanwhile, nobody knows whose bytes these are */
	if (likely(got >= 0))
		return fdtab_get(fd) == handle ? got : SERVE_PASS;
	if (got == -ESTALE)
		rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_changed);
	return SERVE_PASS;
}

/* In a process with a sign: whether the number still means the file. */
static never_inline bool watched_ready(struct handle *handle, int fd)
{
	switch (past_look(handle, fd)) {
	case WATCH_OTHER:
		return false;
	case WATCH_CHANGED:
		if (load_relaxed(&handle->file) != RAWCACHE_NO_FILE)
			track_revalidate(handle, fd);
		return true;
	default:
		return true;
	}
}

static bool serve_is_on(struct handle *handle, int fd)
{
	return load_acquire(&handle->file) != RAWCACHE_NO_FILE || bypass_over(handle, fd);
}

static bool serve_ready(struct handle *handle, int fd)
{
	return (!sign_any() || watched_ready(handle, fd)) && serve_is_on(handle, fd);
}

/* The call has looked what the number means: once is enough (watch.h). */
static ssize_t serve_looked(struct handle *handle, int fd, const struct iovec *iov, int count,
			    uint64_t offset, size_t total)
{
	if (offset > INT64_MAX - total || !serve_is_on(handle, fd))
		return SERVE_PASS;
	return serve_buffers(handle, fd, iov, count, offset, total);
}

ssize_t serve_at(struct handle *handle, int fd, const struct iovec *iov, int count, uint64_t offset)
{
	size_t total = total_of(iov, count);

	if (!total || total > INT64_MAX || offset > INT64_MAX - total || !serve_ready(handle, fd))
		return SERVE_PASS;
	return serve_buffers(handle, fd, iov, count, offset, total);
}

/*
 * Bytes that were claimed belong to this call: other calls have claimed those behind them by now. Bytes
 * that the cache does not have are read from the file; only bytes that do not exist are given back. If the
 * number was replaced meanwhile, the moved position belongs to what it meant before.
 */
static ssize_t claim_rest(const struct handle *handle, int fd, const struct iovec *iov, int count,
			  uint64_t offset, size_t claimed, ssize_t got)
{
	if (got == (ssize_t)claimed || fdtab_get(fd) != handle)
		return got;
	got = sys_preadv(fd, iov, count, offset);
	if (got > (ssize_t)claimed)
		got = (ssize_t)claimed;
	if (got < (ssize_t)claimed)
		sys_lseek(fd, (got < 0 ? 0 : got) - (ssize_t)claimed, SEEK_CUR);
	return got < 0 ? SERVE_PASS : got;
}

/*
 * The kernel keeps the position, and others may move it. Copy from where it is, then claim the copied bytes
 * by one atomic lseek(). If somebody moved it in between, the claim is for other bytes, which belong to
 * this call now: read those.
 */
static ssize_t claim_next(struct handle *handle, int fd, const struct iovec *iov, int count,
			  size_t total)
{
	int64_t at = sys_lseek(fd, 0, SEEK_CUR);
	int64_t claimed;
	ssize_t got;
	ssize_t again;

	if (at < 0)
		return SERVE_PASS;
	got = serve_looked(handle, fd, iov, count, (uint64_t)at, total);
	store_relaxed(&handle->guess, (uint64_t)(at + (got > 0 ? got : 0)));
	if (got <= 0)
		return got;
	claimed = sys_lseek(fd, got, SEEK_CUR) - got;
	if (claimed == at)
		return got;
	if (claimed < 0)
		return SERVE_PASS;
	again = serve_looked(handle, fd, iov, count, (uint64_t)claimed, total);
	if (again > got)
		again = got;
	return claim_rest(handle, fd, iov, count, (uint64_t)claimed, (size_t)got, again);
}

/*
 * One lseek() instead of two: claim first, then copy exactly the claimed bytes. Only if the last known
 * position leaves enough bytes: otherwise the claim would lead beyond the end, which others could see until
 * it is taken back.
 */
static ssize_t claim_guessed(struct handle *handle, int fd, const struct iovec *iov, int count,
			     size_t total)
{
	int64_t end = sys_lseek(fd, (int64_t)total, SEEK_CUR);
	ssize_t got;

	if (end < (int64_t)total)
		return SERVE_PASS;
	end -= (int64_t)total;
	got = serve_looked(handle, fd, iov, count, (uint64_t)end, total);
	got = claim_rest(handle, fd, iov, count, (uint64_t)end, total, got);
	store_relaxed(&handle->guess, (uint64_t)(end + (got > 0 ? got : 0)));
	return got;
}

static bool guess_suffices(const struct handle *handle, size_t total)
{
	uint64_t guess = load_relaxed(&handle->guess);
	uint64_t size = load_relaxed(&handle->size);

	return total <= SERVE_MAX && guess <= size && total <= size - guess;
}

static ssize_t claim(struct handle *handle, int fd, const struct iovec *iov, int count,
		     size_t total)
{
	if (guess_suffices(handle, total))
		return claim_guessed(handle, fd, iov, count, total);
	return claim_next(handle, fd, iov, count, total);
}

ssize_t serve_next(struct handle *handle, int fd, const struct iovec *iov, int count)
{
	size_t total = total_of(iov, count);
	uint64_t at;
	ssize_t got;

	if (!total || total > INT64_MAX || !serve_ready(handle, fd))
		return SERVE_PASS;
	while (position_adopt(&handle->position, fd, &at)) {
		got = serve_buffers(handle, fd, iov, count, at, total);
		if (got <= 0 || position_move(&handle->position, at, at + (uint64_t)got))
			return got;
	}
	position_lend(&handle->position, fd);
	got = claim(handle, fd, iov, count, total);
	position_return(&handle->position);
	return got;
}

struct transfer {
	const struct rawcache_transfer *how;
	uint64_t offset;
	size_t n;
};

static ssize_t transfer_answer(uint64_t file, int fd, const void *call)
{
	const struct transfer *t = call;

	return rawcache_file_transfer(attach_cache_now(), file, fd, t->how, t->offset, t->n);
}

bool serve_transfer(struct handle *handle, int fd, const struct rawcache_transfer *how,
		    uint64_t offset, size_t n, ssize_t *done)
{
	const struct transfer transfer = { how, offset, n < SERVE_MAX ? n : SERVE_MAX };

	/* an end that no file can have is refused, whatever there is to transfer */
	if (!n || offset > INT64_MAX - SERVE_MAX || n > INT64_MAX - offset ||
	    !serve_ready(handle, fd))
		return false;
	*done = answer(handle, fd, transfer.n, offset + transfer.n, transfer_answer, &transfer);
	return *done != -ENODATA && *done != -ESTALE;
}

/*
 * As the kernel does, the position is stored when the transfer is over, whatever happened to it in between.
 */
bool serve_transfer_next(struct handle *handle, int fd, const struct rawcache_transfer *transfer,
			 size_t n, ssize_t *done)
{
	uint64_t at;
	int64_t kernel;
	bool served;

	if (position_adopt(&handle->position, fd, &at)) {
		served = serve_transfer(handle, fd, transfer, at, n, done);
		if (served && *done > 0)
			position_move(&handle->position, at, at + (uint64_t)*done);
		return served;
	}
	position_lend(&handle->position, fd);
	kernel = sys_lseek(fd, 0, SEEK_CUR);
	served = kernel >= 0 && serve_transfer(handle, fd, transfer, (uint64_t)kernel, n, done);
	if (served && *done > 0)
		sys_lseek(fd, kernel + *done, SEEK_SET);
	position_return(&handle->position);
	return served;
}

uint64_t serve_file(struct handle *handle, int fd)
{
	if (!serve_ready(handle, fd))
		return RAWCACHE_NO_FILE;
	/* after a granted lock, for example: a read would find out by -ESTALE, a mapping would not */
	if ((!look_same(handle, fd) ||
	     rawcache_file_doubted(attach_cache_now(), load_acquire(&handle->file))) &&
	    !track_revalidate(handle, fd))
		return RAWCACHE_NO_FILE;
	return load_acquire(&handle->file);
}
