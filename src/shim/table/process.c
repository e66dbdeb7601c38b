/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/process.h"

#include <pthread.h>
#include <sys/single_threaded.h>

#include <rawcache/embed.h>
#include <rawcache/zerocopy.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/patience.h"
#include "base/sys.h"

#include "shim/table/attach.h"
#include "shim/table/fdtab.h"
#include "shim/table/handle.h"
#include "shim/libc/signals.h"
#include "shim/libc/start_pages.h"
#include "shim/libc/thread.h"

bool process_shared_always;
void (*process_stand_ins)(bool all);

uint64_t process_born;

static int own_pid;
static uint64_t forks_made;
#define BORN_FACTOR UINT64_C(0x9e3779b97f4a7c15) /* odd, with bits everywhere: the golden ratio's */
static bool own_confined;			 /* and nobody asks any more which process it is */
static uint32_t *wipe; /* not zero in the process that wrote it; NULL: this kernel cannot wipe it */

/* Valid between prepare and parent or child, while the locks are held. */
static struct critical shim_fork_critical;
static bool fork_held_attach;
static bool fork_aside;

/*
 * Before the process attaches, it has no positions that a copy of it could share with it. Three dear calls less for
 * programs that never do.
 */
static void wipe_init(void)
{
	uint32_t *page = wipe ? NULL : memory_map(4096);

	if (page && sys_madvise(page, 4096, MADV_WIPEONFORK)) {
		memory_unmap(page, 4096);
		page = NULL;
	}
	if (!page)
		return;
	store_relaxed(page, 1);
	store_release(&wipe, page);
}

/* The descriptor table, and what the linker puts behind it: freed handles, and the objects that were looked at. */
#define TABLES_BYTES 36864u

/* The linker's: where variables end. */
extern char _end[] __attribute__((visibility("hidden")));

static void attach_pages(void)
{
	size_t behind = (size_t)(_end - (const char *)&fdtab_first);

	start_pages_attach();
	/* the order of variables is the linker's: not past the last one */
	memory_expect(&fdtab_first, min_u64(TABLES_BYTES, behind), true);
	wipe_init();
}

at_start void process_init(void)
{
	own_pid = sys_getpid();
	attach_begins = attach_pages;
	pthread_atfork(process_fork_prepare, process_fork_parent, process_fork_child);
}

bool process_known(void)
{
	return own_pid;
}

/* From now on others share the description, and may write through it without announcing it. */
static void share(int fd, struct handle *handle)
{
	if (!fdtab_is_handle(handle))
		return;
	position_share(&handle->position, fd);
	handle_write(handle, fd);
}

static void share_inherited(int fd, struct handle *handle)
{
	int flags;

	if (!fdtab_is_handle(handle) || (position_is_shared(&handle->position) &&
					 load_acquire(&handle->mode) != HANDLE_MAY_WRITE))
		return;
	flags = sys_fcntl(fd, F_GETFD, 0);
	if (flags >= 0 && !(flags & FD_CLOEXEC))
		share(fd, handle);
}

void process_share_inherited(void)
{
	if (!attach_active || process_is_foreign())
		return;
	rawcache_opens_drop(true);
	process_stand_ins_end(false);
	fdtab_each(0, FDTAB_LIMIT, share_inherited);
}

static void settle(int fd, struct handle *handle)
{
	if (!fdtab_is_handle(handle))
		return;
	position_lend(&handle->position, fd);
	position_return(&handle->position);
	/* the child may duplicate it, and write through it when it has become another program */
	handle_write(handle, fd);
}

void process_share_vfork(void)
{
	if (!attach_active || process_is_foreign())
		return;
	rawcache_opens_drop(true);
	process_stand_ins_end(true);
	fdtab_each(0, FDTAB_LIMIT, share_inherited);
	fdtab_each(0, FDTAB_LIMIT, settle);
}

static void lend(int fd, struct handle *handle)
{
	if (!fdtab_is_handle(handle))
		return;
	position_lend(&handle->position, fd);
	position_return(&handle->position);
}

void process_lend_all(void)
{
	if (attach_active && !process_is_foreign())
		fdtab_each(0, FDTAB_LIMIT, lend);
}

void process_share_all(void)
{
	if (attach_active)
		fdtab_each(0, FDTAB_LIMIT, share);
}

static void retire(int fd, struct handle *handle)
{
	/* another thread may give the number another handle meanwhile */
	for (; handle; handle = fdtab_get(fd)) {
		share(fd, handle);
		if (fdtab_replace(fd, handle, NULL) && fdtab_is_handle(handle))
			handle_release(handle);
	}
}

void process_retire(void)
{
	if (!attach_active)
		return;
	rawcache_opens_stop();
	process_stand_ins_end(true);
	store_release(&attach_active, false);
	fence_full(); /* pairs with the fence in track_opened_slow() */
	fdtab_each(0, FDTAB_LIMIT, retire);
	rawcache_settle();
}

void process_settle(void)
{
	if (!attach_active || process_is_foreign())
		return;
	rawcache_opens_drop(false);
	rawcache_settle();
}

/* A program that forks must not have more threads than it made: Python counts them, and warns. */
static bool helpers_step_aside(void)
{
	bool any = rawcache_helper_threads();

	if (unlikely(any))
		rawcache_helpers_step_aside();
	return any;
}

/* A filter for all threads would apply to helpers too. */
static void helpers_leave(void)
{
	const struct timespec nap = { .tv_nsec = HELPERS_END_NAP_NS };

	rawcache_helpers_dismiss();
	for (int tries = 0; rawcache_helper_threads() && tries < HELPERS_END_TRIES; tries++)
		sys_nanosleep(&nap);
}

void process_thread_ends(void)
{
	if (!attach_active || SYS_CALL(__NR_gettid, 0, 0, 0, 0, 0, 0) != sys_getpid() ||
	    process_is_foreign())
		return;
	rawcache_helpers_dismiss();
	rawcache_helpers_leave();
}

void process_confine(void)
{
	/* a vfork child confines itself, not its parent */
	if (process_is_foreign())
		return;
	process_retire();
	helpers_leave();
	rawcache_confine();
	own_confined = true;
}

void process_unshare(void)
{
	/* a vfork child has descriptors of its own already */
	if (!__libc_single_threaded && !thread_is_foreign())
		process_retire();
}

bool process_clone_confuses(unsigned long flags)
{
	if (flags & CLONE_THREAD)
		return !(flags & CLONE_FILES);
	return flags & CLONE_FILES || (flags & CLONE_VM && !(flags & CLONE_VFORK));
}

void process_keep_shared(void)
{
	store_relaxed(&process_shared_always, true);
}

static void inherit(int fd, struct handle *handle)
{
	if (fdtab_is_handle(handle))
		position_inherit(&handle->position, fd);
}

/*
 * Descriptors that other threads opened or were settling between the preparation and the fork: the parent's
 * threads continue with them, so we must not move the kernel's position.
 */
static void inherit_late(int fd, struct handle *handle)
{
	(void)fd;
	if (fdtab_is_handle(handle))
		position_inherit(&handle->position, -1);
}

/* This is a copy of which no atfork handler knows: its positions may be shared with the parent. */
static void process_reborn(void)
{
	store_relaxed(&own_pid, sys_getpid());
	store_relaxed(wipe, 1);
	fdtab_each(0, FDTAB_LIMIT, inherit);
	rawcache_fork_prepare();
	rawcache_fork_child();
	attach_fork_release(false, true);
}

at_start bool process_seems_foreign(void)
{
	const uint32_t *page = load_acquire(&wipe);

	if (thread_is_foreign())
		return true;
	if (unlikely(page && !load_relaxed(page)))
		process_reborn();
	return false;
}

at_start bool process_is_foreign(void)
{
	return process_seems_foreign() || sys_getpid() != load_relaxed(&own_pid);
}

void process_fork_prepare(void)
{
	struct critical critical;
	bool held, aside;

	forks_made++;
	rawcache_opens_drop(true);
	process_stand_ins_end(true);
	/* a handler that jumps away from here would leave the process without helpers */
	critical_enter(&critical);
	aside = helpers_step_aside();
	process_share_all();
	held = attach_fork_prepare();
	rawcache_fork_prepare();
	shim_fork_critical = critical;
	fork_held_attach = held;
	fork_aside = aside;
}

void process_fork_parent(void)
{
	struct critical critical = shim_fork_critical;
	bool held = fork_held_attach;
	bool aside = fork_aside;

	rawcache_fork_parent();
	/* the child has what another thread has opened since the preparation */
	if (handle_may_write())
		process_share_all();
	if (aside)
		rawcache_helpers_return();
	attach_fork_release(held, false);
	critical_leave(&critical);
}

void process_fork_child(void)
{
	struct critical critical = shim_fork_critical;

	process_born = (process_born + forks_made) * BORN_FACTOR;
	forks_made = 0;
	if (!own_confined)
		own_pid = sys_getpid();
	if (wipe)
		store_relaxed(wipe, 1);
	fdtab_each(0, FDTAB_LIMIT, inherit_late);
	rawcache_fork_child();
	signals_fork_child();
	attach_fork_release(fork_held_attach, true);
	critical_leave(&critical);
}
