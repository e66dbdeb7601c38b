/* SPDX-License-Identifier: MIT */
/*
 * The fill that this thread is in, and what it holds. A signal handler that reads while its thread fills
 * must not wait for its own thread's flight: it reads the origin. A fill that was left by siglongjmp() is
 * recognised by the next one, which releases what it held.
 *
 * The frame of a live outer fill lies above ours on the same stack, and contains the seal. On an alternate
 * signal stack addresses tell nothing: a fill there counts as nested.
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
	bool storing;	   /* this thread must store `fetch` */
	bool asynchronous; /* the thread's cancellation was asynchronous, and is deferred meanwhile */
	struct extent *extent; /* points to `held` while a region is pinned */
	struct extent held;
	bool ordered; /* the chunk belongs to `stream` */
	struct space_stream stream;
};
extern tls_initial struct filling filling; /* of this thread */

#define FILLING_SEAL ((uintptr_t)0x6c6c69662d6377u) /* "wc-fill": no address, and no small number */

/*
 * Begin a fill. `seal` must lie in the caller's frame and hold FILLING_SEAL until after filling_end(), and
 * no longer. Returns false if this call interrupted a fill of its own thread. The caller holds a reference
 * of `file`.
 */
bool filling_begin(struct rawcache *cache, struct file *file, const uintptr_t *seal);
void filling_end(void);

/* Unpin the region, if one is held. */
void filling_drop_extent(void);

/* Release the fetch, if there is one; if this thread had to store it, nobody does. */
void filling_leave_fetch(void);

#endif
