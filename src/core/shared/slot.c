/* SPDX-License-Identifier: MIT */
#include "core/shared/slot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/critical.h"
#include "base/fdpath.h"
#include "base/log.h"
#include "base/sys.h"
#include "core/shared/aside.h"
#include "core/shared/cache.h"
#include "core/shared/process.h"

/* Run `attach` with process_lock held. */
static int slot_attach(struct rawcache *cache, int (*attach)(struct rawcache *cache))
{
	struct critical critical;
	int err;

	critical_enter(&critical);
	pthread_mutex_lock(&cache->process_lock);
	err = attach(cache);
	pthread_mutex_unlock(&cache->process_lock);
	critical_leave(&critical);
	return err;
}

int slot_take(struct rawcache *cache)
{
	return slot_attach(cache, process_attach);
}

void slot_count_aside(const struct rawcache_options *options, enum rawcache_reason reason)
{
	const struct rawcache *counts = cache_current();

	if (options->read_only || (counts && counts->slot >= 0))
		return;
	switch (reason) {
	case RAWCACHE_REASON_runtime_failed:
	case RAWCACHE_REASON_runtime_unreachable: /* it would write the page where only this sandbox sees it */
		if (aside_begin_totals(options->device, options->allow_shared))
			break;
		/* fall through */
	case RAWCACHE_REASON_none:     /* attached, but without a slot */
	case RAWCACHE_REASON_no_image: /* a sandbox that does not show the image */
	case RAWCACHE_REASON_no_rights:
	case RAWCACHE_REASON_image_refused:
	case RAWCACHE_REASON_slots_full:
		aside_begin(options->runtime_dir, options->device);
		break;
	default: /* the reason does not last */
		break;
	}
}

/* A fork child that has become another user does not get a slot. */
static void child_count_aside(const struct rawcache *cache)
{
	char device[FDPATH_BYTES], dir[sizeof(cache->runtime.path)];
	char *slash;

	fdpath(device, cache->image.fd);
	snprintf(dir, sizeof(dir), "%s", cache->runtime.path);
	slash = strrchr(dir, '/');
	if (!slash || cache_current() != cache)
		return;
	*slash = '\0';
	aside_begin(dir, device);
}

static bool confined;

void slot_confine(void)
{
	store_relaxed(&confined, true);
}

/*
 * The slot stays the parent's; the child counts in private memory until it has its own. It opens the
 * segment anew at once, so that its parent's lock does not outlive the parent.
 */
void slot_fork_child(struct rawcache *cache)
{
	if (cache->slot < 0)
		return;
	cache->slot = SLOT_LATER;
	cache->slot_keeper = NULL; /* the mapping was not inherited */
	cache->blocks_out = 0;
	cache->runtime.foreign = true;
	if (load_relaxed(&confined)) {
		cache->slot = SLOT_NONE;
	} else if (runtime_reopen(&cache->runtime)) {
		cache->slot = SLOT_NONE;
		child_count_aside(cache);
	}
}

/*
 * glibc registers a thread's robust list with the kernel in the child of a fork() too, but not in that of a
 * bare clone(): if that child dies with a lock, nobody is told.
 */
static bool robust_thread(void)
{
	void *head = NULL;
	size_t n;

	return SYS_CALL(__NR_get_robust_list, 0, &head, &n, 0, 0, 0) || head;
}

static int child_attach(struct rawcache *cache)
{
	int err = 0;

	/* a child whose fork no handler saw (a bare clone) shares its parent's description */
	if (cache->slot >= 0 && cache->pid != sys_getpid())
		slot_fork_child(cache);
	if (cache->slot == SLOT_NONE)
		return -EROFS;
	if (cache->slot >= 0)
		return 0;
	err = robust_thread() ? process_attach(cache) : -EROFS;
	if (err) {
		log_info("a fork child has no slot: error %d", err);
		cache->slot = SLOT_NONE;
		child_count_aside(cache);
		return err;
	}
	if (cache_current() == cache) {
		cache->provider.shared = &cache_slot(cache)->stats;
		stats_set_provider(&cache->provider);
	}
	return 0;
}

int cache_slot_need(struct rawcache *cache)
{
	int32_t slot = load_acquire(&cache->slot);

	if (likely(slot >= 0 && cache->pid == sys_getpid()))
		return 0;
	return slot == SLOT_NONE ? -EROFS : slot_attach(cache, child_attach);
}
