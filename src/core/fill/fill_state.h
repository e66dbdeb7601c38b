/* SPDX-License-Identifier: MIT */
/*
 * The fill this thread is in, and what it holds. A signal handler that reads while its thread is
 * filling must not wait for its own thread's flight: it reads the origin. A fill that was left
 * by siglongjmp() is recognised by the next one, which gives back what it held.
 *
 * A live outer fill has its frame above ours on the same stack, with the seal in it. On an
 * alternate signal stack addresses tell nothing: there we are nested.
 */
#ifndef CORE_FILL_STATE_H
#define CORE_FILL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "core/fill/fetch.h"
#include "core/shared/flight.h"
#include "core/space/space.h"

struct filling {
	/* in the stack frame of the function that began the fill; NULL: no fill */
	const uintptr_t *seal;
	struct rawcache *cache;
	struct file *file;
	struct claim claim;
	struct fetch *fetch;
	bool storing;	       /* `fetch` is ours to store */
	bool asynchronous;     /* the thread may be cancelled anywhere, but for here */
	struct extent *extent; /* points to `held` while a region is pinned */
	struct extent held;
	bool ordered; /* the chunk is one of `stream` */
	struct space_stream stream;
};
extern tls_initial struct filling filling; /* of this thread */

#define FILLING_SEAL ((uintptr_t)0x6c6c69662d6377u)

/*
 * `seal` lies in the caller's frame, holds FILLING_SEAL until after filling_end(), and no longer.
 * False: this call interrupted a fill of its own thread. The caller holds a reference of `file`.
 */
bool filling_begin(struct rawcache *cache, struct file *file, const uintptr_t *seal);
void filling_end(void);

/* Unpin the region, if one is held. */
void filling_drop_extent(void);

/* Let go of the fetch, if there is one; nobody is going to store it if that was ours. */
void filling_leave_fetch(void);

#endif
