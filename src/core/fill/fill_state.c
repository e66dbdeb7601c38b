/* SPDX-License-Identifier: MIT */
#include "core/fill/fill_state.h"

#include <pthread.h>

#include "base/stack.h"
#include "base/sys.h"
#include "core/space/extent.h"
#include "core/origin/file.h"
#include "core/space/region.h"

tls_initial struct filling filling;

void filling_drop_extent(void)
{
	struct extent *extent = filling.extent;

	filling.extent = NULL;
	if (extent)
		region_release(filling.cache, extent);
}

void filling_leave_fetch(void)
{
	struct fetch *fetch = filling.fetch;
	bool storing = filling.storing;

	filling.fetch = NULL;
	filling.storing = false;
	if (storing)
		fetch_give_up(fetch);
	if (fetch)
		fetch_put(fetch);
}

/* What the thread holds here would stay held if it were cancelled. */
static void cancel_defer(void)
{
	int type = PTHREAD_CANCEL_DEFERRED;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
	filling.asynchronous = type == PTHREAD_CANCEL_ASYNCHRONOUS;
}

/* May end the thread. */
static void cancel_restore(bool asynchronous)
{
	if (unlikely(asynchronous))
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
}

/*
 * Release what a fill held that was left by siglongjmp(). Its buffer is leaked: freeing it is not worth the
 * risk.
 */
static void filling_abandoned(void)
{
	bool asynchronous = filling.asynchronous;
	struct file *file = filling.file;

	filling.asynchronous = false;
	filling.file = NULL;
	filling.seal = NULL;
	filling_drop_extent();
	extent_give_back(filling.cache);
	filling_leave_fetch();
	flight_end(filling.cache, &filling.claim);
	if (file)
		file_release(filling.cache, file);
	cancel_restore(asynchronous);
}

/*
 * Whether the frame of the fill that began is still there. It may lie on a stack that was freed since (a
 * coroutine's): it is read only if the kernel says that it is mapped.
 */
__attribute__((no_sanitize("address"))) static bool seal_whole(const uintptr_t *seal)
{
	uintptr_t page = (uintptr_t)seal & ~(uintptr_t)(FORMAT_PAGE - 1);

	return !sys_msync((void *)page, FORMAT_PAGE, MS_ASYNC) &&
	       *(const volatile uintptr_t *)seal == FILLING_SEAL;
}

/* The seal is set first and cleared last: a handler in between fills nothing, and changes nothing here. */
bool filling_begin(struct rawcache *cache, struct file *file, const uintptr_t *seal)
{
	if (unlikely(stack_is_small()))
		return false;
	if (filling.seal) {
		if (!stack_is_certain() || (filling.seal > seal && seal_whole(filling.seal)))
			return false;
		filling_abandoned();
	}
	/* so that a handler that jumps out right now leaves a valid `filling.cache` for the cleanup */
	filling.cache = cache;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&filling.seal, seal);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	cancel_defer();
	filling.cache = cache; /* set again: a handler may have filled before the seal was set */
	filling.file = file;
	filling.claim.flight = NULL;
	return true;
}

void filling_end(void)
{
	bool asynchronous = filling.asynchronous;

	filling_drop_extent();
	flight_end(filling.cache, &filling.claim);
	filling.asynchronous = false;
	filling.file = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&filling.seal, NULL);
	cancel_restore(asynchronous);
}
