/* SPDX-License-Identifier: MIT */
#include "base/record_locks.h"

#include <stdint.h>
#include <stdio.h>

#include "base/compiler.h"
#include "base/patience.h"

static uint32_t
	taking; /* calls under way that may take a lock; one that is left by a jump counts for ever */
static uint32_t closing; /* threads between the question and close() */

void record_lock_begin(void)
{
	const struct timespec nap = { .tv_nsec = LOCKS_NAP_NS };

	fetch_add(&taking, 1);
	fence_full(); /* either we see who closes, or he sees us */
	for (int i = 0; i < LOCKS_NAPS && load_acquire(&closing); i++)
		sys_nanosleep(&nap);
}

void record_lock_end(void)
{
	/* none in the child of a fork() by a handler that came in the middle */
	if (load_relaxed(&taking))
		fetch_sub(&taking, 1);
}

void record_locks_fork_child(void)
{
	store_relaxed(&taking, 0);
	store_relaxed(&closing, 0);
}

/* Such a lock would be the description's, so that the process's own are in its way as all others are. */
static bool somebody_has(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return sys_fcntl(fd, F_OFD_GETLK, (uintptr_t)&lock) || lock.l_type != F_UNLCK;
}

bool record_locks_pause(struct critical *critical, int fd)
{
	/* a handler of this thread that takes a lock would wait for it, or leave it waited for */
	critical_enter(critical);
	fetch_add(&closing, 1);
	fence_full();
	if (!load_acquire(&taking) && !somebody_has(fd))
		return true;
	record_locks_resume(critical);
	return false;
}

void record_locks_resume(const struct critical *critical)
{
	fetch_sub(&closing, 1);
	critical_leave(critical);
}

void record_locks_close(int fd)
{
	struct critical critical;

	if (!record_locks_pause(&critical, fd))
		return;
	sys_close(fd);
	record_locks_resume(&critical);
}
