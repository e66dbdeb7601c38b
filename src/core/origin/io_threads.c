/* SPDX-License-Identifier: MIT */
/*
 * Requests by a few helper threads (pool.h). The helpers have a descriptor table of their own, which
 * contains only the files that they read (origin_fds.h): the program may close and reuse its descriptors at
 * any time, and closing a duplicate in the program's table would drop the program's POSIX locks.
 * There are as many helpers as the lanes of the devices need (io_lanes.h).
 */
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/patience.h"
#include "base/sys.h"
#include "core/origin/confirm.h"
#include "core/origin/file.h"
#include "core/origin/io.h"
#include "core/origin/io_lanes.h"
#include "core/origin/kept_read.h"
#include "core/origin/origin_fds.h"
#include "core/origin/pool.h"
#include "core/origin/race.h"

#define WAIT_NS 20000000 /* the caller looks again then */
/* A server is asked for the attributes of a file that is being read at most 50 times a second. */
#define LOOK_NAP_NS 20000000

static void helper_begin(void);
static void helper_work(struct pool *pool);
static bool lane_take(struct pool_job *job);

static struct pool readers = { .work = helper_work,
			       .begin = helper_begin,
			       .take = lane_take,
			       .limit = LANES_HELPERS,
			       .lock = PTHREAD_MUTEX_INITIALIZER };
static uint32_t pool_failed; /* helpers cannot open files */
static int begin_error;

/* Not a read, but a request to close files that nobody needs. */
static struct io_request sweep;
static uint32_t sweep_queued;

static bool lane_take(struct pool_job *job)
{
	struct io_request *request = container_of(job, struct io_request, job);

	if (request == &sweep)
		return true;
	request->place = lane_enter(request);
	return request->place;
}

static void helper_begin(void)
{
	begin_error = origin_fds_begin();
	if (begin_error)
		store_relaxed(&pool_failed, 1);
}

/* Of helper_fetch(): all that may read the mount do. Nor does a system call return this. */
#define NO_PLACE (INT32_MIN + 1)

/* Who may have it is asked first, but in a race. IO_ASKED: he is to be asked now. */
static int32_t helper_fetch(struct kept *kept, struct io_request *request, char *buf, bool races,
			    uint64_t *took)
{
	bool asks = request->asks;
	uint64_t begun;
	int32_t got;

	request->asks = false;
	got = races || request->reads || !request->instead ? 0 :
							     request->instead(request, kept->fd);
	if (got)
		return got;
	request->reads = true;
	if (asks && !lane_reads(&request->place))
		return NO_PLACE;
	if (asks)
		pool_look(&readers);
	begun = clock_mono_ns();
	got = kept_read(kept, request, buf);
	*took = clock_mono_ns() - begun;
	return got;
}

/* Once it is asked, another helper may have the request. */
static void helper_ask(struct kept *kept, struct io_request *request)
{
	origin_fds_put(kept, request->file, load_relaxed(&readers.waiting));
	lane_leave(request->place);
	request->ask(request);
}

static void request_done(struct io_request *request, int32_t result)
{
	request->result = result;
	/* pairs with the load in io_done() */
	store_release(&request->done, IO_DONE);
	sys_futex(&request->done, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

static void request_resume(struct io_request *request, bool first)
{
	if (!(first ? pool_add_first : pool_add)(&readers, &request->job, false)) {
		/* the hurry may have come between the look at `urgent` and the queue */
		if (!first && load_relaxed(&request->urgent))
			pool_hurry(&readers, &request->job);
		return;
	}
	/* the helpers have ended: a reader that needs the bytes reads them itself */
	store_relaxed(&request->race, RACE_OVER);
	request_done(request, -ECANCELED);
	request->arrived(request);
}

/* Questions for others must not wait until the mount has answered. */
static void helper_queue(struct kept *kept, struct io_request *request)
{
	origin_fds_put(kept, request->file, load_relaxed(&readers.waiting));
	lane_leave(request->place);
	request_resume(request, load_relaxed(&request->urgent));
}

static struct kept *helper_open(const struct io_request *request, int *err)
{
	struct kept *kept;

	*err = load_relaxed(&request->unwanted) ? -ECANCELED : begin_error;
	if (!*err)
		*err = origin_fds_get(request->file, request->fd, request->forget, &kept);
	if (*err == -EPERM || *err == -ENOSYS)
		store_relaxed(&pool_failed, 1);
	return *err ? NULL : kept;
}

/* Whoever stores it may have no descriptor to look at the file. A lock that is granted meanwhile is no change. */
static void helper_finish(struct kept *kept, struct io_request *request, uint32_t *place)
{
	struct statx stx;
	bool unchanged = kept && request->result == (int32_t)request->length &&
			 !sys_fstatx(kept->fd, &stx) && file_is_as(request->file, &stx);

	store_relaxed(&request->unchanged, unchanged);
	if (request->instead && !request->elsewhere)
		request->origin_read(request);
	if (request->forget && request->result > 0 && !kept->direct)
		sys_fadvise(kept->fd, request->offset, request->length, POSIX_FADV_DONTNEED);
	request->forget = false;
	/* now: who closes the file waits for what has arrived */
	if (kept)
		origin_fds_put(kept, request->file, load_relaxed(&readers.waiting));
	lane_leave(place);
	request->arrived(request);
}

/* Another helper ends the request, or has ended it: `buf` is ours. */
static void helper_lose(struct kept *kept, struct io_request *request, char *buf, uint32_t *place,
			bool read, int32_t got)
{
	buffer_put(buf);
	if (kept)
		origin_fds_put(kept, request->file, load_relaxed(&readers.waiting));
	lane_leave(place);
	request->lost(request, read, got);
}

/* It has come from elsewhere while another helper reads it. */
static void helper_overtake(struct io_request *rival)
{
	struct io_request *request = rival->overtakes;
	char *buf = load_acquire(&request->race) == RACE_OVER ? NULL : buffer_get();
	int32_t got = buf ? request->rival(request, buf) : 0;
	struct kept *kept = NULL;
	int err;

	if (got)
		kept = helper_open(request, &err);
	if (!kept || !race_win(&request->race)) {
		helper_lose(kept, request, buf, rival->place, false, 0);
		return;
	}
	request->buf = buf;
	request->elsewhere = true;
	request_done(request, got);
	helper_finish(kept, request, rival->place);
}

static void helper_serve(struct io_request *request)
{
	char *buf = request->buf; /* before the race is on */
	bool forget = request->forget;
	bool races = race_take(&request->race);
	struct kept *kept;
	uint64_t took = 0;
	int32_t got;
	int err;

	kept = helper_open(request, &err);
	CRASH_POINT(helper_took);
	got = err ? err : helper_fetch(kept, request, buf, races, &took);
	if (got == IO_ASKED) {
		helper_ask(kept, request);
		return;
	}
	if (got == NO_PLACE) {
		helper_queue(kept, request);
		return;
	}
	CRASH_POINT(helper_read);
	if (got == -EINVAL && kept && kept->direct) {
		origin_fds_refuse(kept, request->file);
		origin_fds_put(kept, request->file, false);
		kept = helper_open(request, &err);
		got = err ? err : kept_read(kept, request, buf);
	}
	if (!race_win(&request->race)) {
		if (forget && got > 0 && !kept->direct)
			sys_fadvise(kept->fd, request->offset, request->length,
				    POSIX_FADV_DONTNEED);
		helper_lose(kept, request, buf, request->place, true, got);
		return;
	}
	request->took = took;
	request_done(request, got);
	CRASH_POINT(helper_done);
	helper_finish(kept, request, request->place);
}

void io_resume(struct io_request *request)
{
	request_resume(request, true);
}

void io_race(struct io_request *request)
{
	store_relaxed(&request->race, RACE_QUEUED);
	/* many at once when a server stops: those that nobody waits for must not be in the way of the others */
	request_resume(request, load_relaxed(&request->urgent));
}

bool io_rival(struct io_request *request, struct io_request *rival)
{
	if (race_settle(&request->race))
		return false;
	/* a job of its own: the request's may be with the threads that store any moment */
	*rival = (struct io_request){ .file = request->file, .light = true, .overtakes = request };
	if (load_acquire(&request->race) == RACE_OVER ||
	    pool_add_first(&readers, &rival->job, false))
		request->lost(request, false, 0);
	return true;
}

int io_look(struct io_request *request, bool make)
{
	request->look = true;
	request->hurry = 0;
	store_relaxed(&request->done, IO_RUNNING);
	if (load_relaxed(&pool_failed))
		return -ENOSYS;
	return (request->urgent ? pool_add_first : pool_add)(&readers, &request->job, make);
}

void io_look_hurry(struct io_request *request)
{
	store_release(&request->hurry, 1);
	sys_futex(&request->hurry, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

/* More requests of the file may arrive meanwhile: one look serves them all. */
static void helper_look(struct io_request *request)
{
	struct timespec nap = { 0, LOOK_NAP_NS };

	if (!load_acquire(&request->hurry))
		sys_futex(&request->hurry, FUTEX_WAIT_PRIVATE, 0, &nap);
	request->looked = clock_mono_ns();
	request->result = confirm_by_path(request->file);
	lane_leave(request->place);
	store_release(&request->done, IO_DONE);
	request->arrived(request);
}

static struct pool_job *helper_next(struct pool *pool)
{
	struct pool_job *job = pool_take(pool);

	if (job)
		return job;
	origin_fds_sweep(true);
	return pool_next(pool);
}

static void helper_work(struct pool *pool)
{
	struct pool_job *job;

	while ((job = helper_next(pool))) {
		struct io_request *request = container_of(job, struct io_request, job);

		if (request != &sweep) {
			if (request->overtakes)
				helper_overtake(request);
			else if (request->look)
				helper_look(request);
			else
				helper_serve(request);
			continue;
		}
		store_release(&sweep_queued, 0);
		origin_fds_sweep(false);
	}
}

static int threads_start(struct rawcache *cache, struct io_request *request)
{
	(void)cache;
	if (load_relaxed(&pool_failed))
		return -ENOSYS;
	return (request->urgent ? pool_add_first : pool_add)(&readers, &request->job, true);
}

/* A program that closes a file may remove it next. */
static void threads_forget(struct file *file)
{
	struct timespec nap = { 0, 100000 };
	uint64_t end = clock_coarse_ms() + ORIGIN_CLOSE_MS;

	if (!origin_fds_forget(file))
		return;
	if (!__atomic_exchange_n(&sweep_queued, 1, __ATOMIC_ACQ_REL) &&
	    pool_add(&readers, &sweep.job, false)) {
		store_release(&sweep_queued, 0);
		origin_fds_vanished();
	}
	while (origin_fds_waits(file) && clock_coarse_ms() < end)
		sys_nanosleep(&nap);
}

static void threads_hurry(struct io_request *request)
{
	store_relaxed(&request->urgent, true);
	pool_hurry(&readers, &request->job);
}

static void threads_wait(struct io_request *request)
{
	struct timespec patience = { 0, WAIT_NS };

	sys_futex(&request->done, FUTEX_WAIT_PRIVATE, IO_RUNNING, &patience);
}

static void threads_poll(void)
{
}

static void threads_fork_prepare(void)
{
	pool_fork_prepare(&readers);
	origin_fds_fork_prepare();
}

static void threads_fork_parent(void)
{
	origin_fds_fork_parent();
	pool_fork_parent(&readers);
}

static void threads_fork_child(void)
{
	origin_fds_fork_child();
	lanes_fork_child();
	sweep_queued = 0;
	pool_fork_child(&readers);
}

static bool threads_own_fd(int fd)
{
	(void)fd;
	return false;
}

const struct io_backend io_threads_backend = {
	.name = "threads",
	.arrives = true,
	.start = threads_start,
	.hurry = threads_hurry,
	.wait = threads_wait,
	.poll = threads_poll,
	.forget = threads_forget,
	.fork_prepare = threads_fork_prepare,
	.fork_parent = threads_fork_parent,
	.fork_child = threads_fork_child,
	.owns_fd = threads_own_fd,
};
