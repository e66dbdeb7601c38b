/* SPDX-License-Identifier: MIT */
/*
 * Announcing changes of files below a configured directory, so that readers in all processes
 * look at their attributes again. Each change is announced before it begins and after it is
 * done (INV-7): a reader that validated in between validates once more.
 *
 *	done = ANNOUNCED(fd, NEXT(write)(fd, buf, n));
 */
#ifndef SHIM_ANNOUNCE_H
#define SHIM_ANNOUNCE_H

#include "base/compiler.h"

#include "shim/table/fdtab.h"
#include "shim/table/sign.h"

struct announce {
	struct handle *handle; /* NULL: nothing to announce */
	int cancel_state;
};

/*
 * Between the two calls the thread cannot be cancelled, which could otherwise happen after the change and
 * before its announcement; a pending request is acted upon first. A write to a regular file does not wait
 * without end.
 */
void announce_begin_slow(struct announce *announce, int fd);
static inline void announce_begin(struct announce *announce, int fd)
{
	announce->handle = NULL;
	if (unlikely(fdtab_get(fd)) || sign_any())
		announce_begin_slow(announce, fd);
}

void announce_end_slow(struct announce *announce);
static inline void announce_end(struct announce *announce)
{
	if (unlikely(announce->handle))
		announce_end_slow(announce);
}

/* A call that may change the file of `fd`, announced before and after; the value is the call's. */
#define ANNOUNCED(fd, call) \
	({ \
		struct announce announced; \
		__typeof__(call) done_; \
		announce_begin(&announced, fd); \
		done_ = (call); \
		announce_end(&announced); \
		done_; \
	})

/*
 * Any file may be written, through descriptors that the hooks do not see: all handles that may write become
 * writers and are announced. Keeps errno.
 */
void announce_any(void);

/* All writers may have changed their files. Keeps errno. */
void announce_all(void);

#endif
