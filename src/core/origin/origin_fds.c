/* SPDX-License-Identifier: MIT */
#include "core/origin/origin_fds.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>

#include "base/compiler.h"
#include "base/crash.h"
#include "base/critical.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "core/origin/fd_import.h"

/* More than there are helpers (io_lanes.h). */
#define KEPT 72
#define SLICE_NS 20000000
/* To open a smaller file anew costs more than its pages in the cache. */
#define DIRECT_MIN (UINT64_C(4) << 20)

enum { KEPT_FREE, KEPT_OPENING, KEPT_OPEN, KEPT_CLOSING, KEPT_FAILED };

static pthread_mutex_t origin_fds_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept table[KEPT];
static int pidfd; /* in the helpers' table: a pidfd of this process, or -errno */

static void fds_table_lock(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&origin_fds_lock);
}

static void fds_table_unlock(struct critical *critical)
{
	pthread_mutex_unlock(&origin_fds_lock);
	critical_leave(critical);
}

int origin_fds_begin(void)
{
	int err = (int)SYS_CALL(__NR_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE, 0, 0, 0);
	struct critical critical;

	CRASH_POINT(helper_alone);
	/* the descriptors of earlier helpers were closed with their table */
	fds_table_lock(&critical);
	memset(table, 0, sizeof(table));
	fds_table_unlock(&critical);
	pidfd = unusual_pidfd_open();
	return err;
}

/* --- opening */

static bool proc_there(void)
{
	int fd = sys_openat(AT_FDCWD, "/proc/thread-self/fd", O_PATH | O_CLOEXEC, 0);

	if (fd >= 0)
		sys_close(fd);
	return fd >= 0;
}

static int kept_open(struct kept *kept, const struct file *file, int fd, bool direct_ok)
{
	int got = -ENOSYS;
	int again;

	kept->opened_here = kept->direct = true;
	if (direct_ok && load_relaxed(&file->direct_ok) && file->size >= DIRECT_MIN)
		got = fd_import_anew(file, fd, O_DIRECT);
	if (got >= 0)
		return got;
	kept->opened_here = kept->direct = false;
	got = fd_import(file, pidfd, fd);
	if (got != -EPERM && got != -ENOSYS)
		return got;
	/* a seccomp filter, or an old kernel */
	kept->opened_here = true;
	again = fd_import_anew(file, fd, 0);
	return again == -ENOENT && !proc_there() ? got : again;
}

/* --- the table; all under the lock */

static struct kept *origin_fds_find(const struct file *file)
{
	for (size_t i = 0; i < KEPT; i++)
		if (table[i].state != KEPT_FREE && !table[i].stale &&
		    table[i].key.low == file->key.low && table[i].key.high == file->key.high)
			return &table[i];
	return NULL;
}

static void origin_fds_set(struct kept *kept, uint32_t state)
{
	store_release(&kept->state, state);
	sys_futex(&kept->state, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

/* Closing may ask the origin, so it is done without the lock. */
static void origin_fds_close(struct kept *kept, struct critical *critical)
{
	origin_fds_set(kept, KEPT_CLOSING);
	kept->stale = true;
	fds_table_unlock(critical);
	sys_close(kept->fd);
	fds_table_lock(critical);
	origin_fds_set(kept, KEPT_FREE);
}

/* A free place, or one whose file can be closed. */
static struct kept *origin_fds_place(struct critical *critical)
{
	for (size_t i = 0; i < KEPT; i++)
		if (table[i].state == KEPT_FREE)
			return &table[i];
	for (size_t i = 0; i < KEPT; i++) {
		if (table[i].state == KEPT_OPEN && !table[i].users) {
			origin_fds_close(&table[i], critical);
			return NULL;
		}
	}
	return NULL;
}

/* Wait for the helper that is opening it. */
static void origin_fds_await(struct kept *kept, struct critical *critical)
{
	struct timespec slice = { 0, SLICE_NS };

	while (kept->state == KEPT_OPENING) {
		fds_table_unlock(critical);
		sys_futex(&kept->state, FUTEX_WAIT_PRIVATE, KEPT_OPENING, &slice);
		fds_table_lock(critical);
	}
}

static void origin_fds_open(struct kept *kept, struct file *file, int fd, bool direct_ok,
			    struct critical *critical)
{
	int got;

	kept->key = file->key;
	kept->stale = false;
	origin_fds_set(kept, KEPT_OPENING);
	/* stored before the open: a program that closes the file meanwhile must see it */
	store_relaxed(&file->opened_by_helpers, 1);
	fds_table_unlock(critical);
	got = kept_open(kept, file, fd, direct_ok);
	fds_table_lock(critical);
	kept->fd = got;
	kept->err = got < 0 ? got : 0;
	if (got < 0)
		kept->stale = true;
	origin_fds_set(kept, got < 0 ? KEPT_FAILED : KEPT_OPEN);
}

int origin_fds_get(struct file *file, int fd, bool direct_ok, struct kept **result)
{
	struct critical critical;
	struct kept *kept;
	int err = -EAGAIN;

	fds_table_lock(&critical);
	kept = origin_fds_find(file);
	if (kept) {
		kept->users++;
		origin_fds_await(kept, &critical);
	} else {
		kept = origin_fds_place(&critical);
		if (kept) {
			kept->users = 1;
			origin_fds_open(kept, file, fd, direct_ok, &critical);
		}
	}
	if (kept) {
		err = kept->err;
		if (err && !--kept->users)
			origin_fds_set(kept, KEPT_FREE);
	}
	fds_table_unlock(&critical);
	*result = kept;
	return err;
}

void origin_fds_put(struct kept *kept, const struct file *file, bool more)
{
	struct critical critical;

	fds_table_lock(&critical);
	if (!file_is_open(file))
		kept->stale = true;
	if (!--kept->users && (kept->stale || (!kept->opened_here && !more)))
		origin_fds_close(kept, &critical);
	fds_table_unlock(&critical);
}

void origin_fds_refuse(struct kept *kept, struct file *file)
{
	struct critical critical;

	fds_table_lock(&critical);
	kept->stale = true;
	store_relaxed(&file->direct_ok, 0);
	fds_table_unlock(&critical);
}

/* --- going */

void origin_fds_vanished(void)
{
	struct critical critical;

	fds_table_lock(&critical);
	for (size_t i = 0; i < KEPT; i++)
		if (table[i].stale && !table[i].users && table[i].state == KEPT_OPEN)
			origin_fds_set(&table[i], KEPT_FREE);
	fds_table_unlock(&critical);
}

bool origin_fds_forget(const struct file *file)
{
	struct critical critical;
	struct kept *kept;
	bool due = false;

	fds_table_lock(&critical);
	kept = origin_fds_find(file);
	if (kept) {
		kept->stale = true;
		due = kept->state == KEPT_OPEN && !kept->users;
	}
	fds_table_unlock(&critical);
	return due;
}

bool origin_fds_waits(const struct file *file)
{
	struct critical critical;
	bool waits = false;

	fds_table_lock(&critical);
	for (size_t i = 0; i < KEPT; i++)
		waits = waits ||
			(table[i].stale && !table[i].users &&
			 (table[i].state == KEPT_OPEN || table[i].state == KEPT_CLOSING) &&
			 table[i].key.low == file->key.low && table[i].key.high == file->key.high);
	fds_table_unlock(&critical);
	return waits;
}

void origin_fds_sweep(bool idle)
{
	struct critical critical;

	fds_table_lock(&critical);
	for (size_t i = 0; i < KEPT; i++) {
		struct kept *kept = &table[i];

		if (kept->state == KEPT_OPEN && !kept->users &&
		    (kept->stale || (idle && !kept->opened_here)))
			origin_fds_close(kept, &critical);
	}
	fds_table_unlock(&critical);
}

void origin_fds_fork_prepare(void)
{
	pthread_mutex_lock(&origin_fds_lock);
}

void origin_fds_fork_parent(void)
{
	pthread_mutex_unlock(&origin_fds_lock);
}

void origin_fds_fork_child(void)
{
	memset(table, 0, sizeof(table));
	pthread_mutex_unlock(&origin_fds_lock);
}
