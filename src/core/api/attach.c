/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <rawcache/rawcache.h>
#include <rawcache/stats.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sized.h"
#include "base/stats.h"
#include "base/uuid.h"
#include "core/api/list.h"
#include "core/fill/fetch.h"
#include "core/image/format.h"
#include "core/image/image.h"
#include "core/origin/file.h"
#include "core/read/copy_policy.h"
#include "core/read/resident.h"
#include "core/shared/cache.h"
#include "core/shared/region_hold.h"
#include "core/shared/process.h"
#include "core/shared/runtime.h"
#include "core/shared/slot.h"
#include "core/shared/storage.h"
#include "core/shared/watch.h"
#include "core/tier/tier.h"
#include "core/zerocopy/map_follow.h"
#include "core/zerocopy/map_table.h"
#include "core/zerocopy/shown.h"
#include "core/zerocopy/watcher.h"

#define ATTACH_TRIES 4 /* each is after another `rawcache format` */
#define ATTACH_BLOCKS \
	20480u /* bytes of blocks that attaching takes: a copy of the superblock is most of it */

/* Copy the options that the cache uses: their strings are the caller's and are not kept. */
static void options_take(struct rawcache *cache, const struct rawcache_options *options)
{
	cache->options = *options;
	cache->options.device = NULL;
	cache->options.runtime_dir = NULL;
	cache->tier = options->tier && *options->tier;
	cache->options.tier = cache->options.tier_key = cache->options.tier_name = NULL;
	copy_policy_init(&cache->copy_costs);
	cache->memo = !options->ttl && options->verify != RAWCACHE_VERIFY_ALWAYS;
}

static void trust_init(struct rawcache *cache)
{
	uint8_t boot_id[16];

	/* a read-only user cannot begin the epoch of a new boot: it verifies what it reads */
	if (!boot_id_read(boot_id) && image_epoch_current(&cache->image, boot_id))
		cache->trusting = true;
}

/*
 * For the only user of the image: it may have been replaced by an older copy, or its disk may have lost
 * writes.
 */
static void first_user(struct rawcache *cache)
{
	if (runtime_lock_byte(cache->image.fd, LOCK_USERS, F_WRLCK))
		return;
	if (!runtime_image_fits(&cache->runtime, &cache->image)) {
		log_warn("the image is older than what is known of it: all is dropped");
		storage_distrust(cache);
	}
	runtime_renew(&cache->runtime, &cache->image);
	runtime_lock_byte(cache->image.fd, LOCK_USERS, F_RDLCK);
}

/*
 * What is asked of the image before the first file is opened. Few attaches write there: a page that is made writable is
 * dirty, goes to the disk, and waits where the file system is frozen.
 */
static void image_expect(const struct image *image, bool user)
{
	if (user && !image->read_only)
		memory_expect(image->meta + FORMAT_STATE,
			      FORMAT_TOTALS + FORMAT_PAGE - FORMAT_STATE, false);
	memory_expect(image->regions, 1, false);
}

static int cache_attach(struct rawcache *cache, const struct rawcache_options *options,
			enum rawcache_reason *reason)
{
	const char *why = "";
	int err;

	cache->slot = SLOT_NONE;
	cache->runtime.fd = -1;
	cache->image.fd = -1;
	pthread_mutex_init(&cache->process_lock, NULL);
	maps_init(&cache->maps);
	pthread_mutex_init(&cache->watch_lock, NULL);
	options_take(cache, options);
	stats_init();
	err = image_open(&cache->image, options->device, false, options->allow_shared, &why,
			 reason);
	if (err) {
		log_warn("%s is not used: %s", options->device, why);
		return err;
	}
	image_expect(&cache->image, !options->read_only);
	cache->chunk_shift = (uint8_t)cache->image.sb.chunk_shift;
	cache->chunk_bytes = 1u << cache->chunk_shift;
	err = runtime_attach(&cache->runtime, &cache->image, options->runtime_dir, reason);
	if (err && (!cache->image.read_only || err == -EREMCHG)) {
		log_warn("the runtime segment of %s is not used: error %d", options->device, err);
		return err;
	}
	if (cache->image.read_only && !options->read_only)
		log_warn("%s can only be read here: what is not cached yet will not be",
			 options->device);
	trust_init(cache);
	*reason = RAWCACHE_REASON_no_memory;
	err = files_init(cache, fetch_drop);
	if (err || options->read_only || cache->image.read_only || cache->runtime.read_only)
		return err;
	first_user(cache);
	tier_setup(options);
	*reason = RAWCACHE_REASON_slots_full;
	err = slot_take(cache);
	if (!err)
		storage_check(cache);
	return err;
}

static void cache_release(struct rawcache *cache)
{
	fetch_drop_all(cache);
	process_detach(cache);
	files_fini(cache);
	resident_end(cache);
	storage_close(cache);
	/* threads that still count into blocks of the segment must not fault: it stays mapped */
	if (load_acquire(&cache->blocks_out))
		cache->runtime.header = NULL;
	runtime_detach(&cache->runtime);
	hold_end(cache);
	shown_end(cache);
	watch_end(cache);
	image_close(&cache->image);
}

static struct rawcache *cache_make(void)
{
	struct rawcache *cache = memory_map(sizeof(*cache));

	memory_expect(memory_first, ATTACH_BLOCKS, true);
	cache_unlisted = cache;
	return cache;
}

/* The size of the options in the first version that had this rule. */
#define OPTIONS_MIN offsetof(struct rawcache_options, number)

int rawcache_attach(const struct rawcache_options *theirs, struct rawcache **result,
		    enum rawcache_reason *reason)
{
	struct rawcache_options ours;
	const struct rawcache_options *options = &ours;
	enum rawcache_reason ignored;
	struct rawcache *cache;
	int err = -EINVAL;

	if (!reason)
		reason = &ignored;
	*reason = RAWCACHE_REASON_image_refused;
	if (theirs->struct_size < OPTIONS_MIN)
		return err;
	err = sized_in(&ours, sizeof(ours), theirs, theirs->struct_size);
	if (err)
		return err;
	if (!options->device)
		return -EINVAL;
	*reason = RAWCACHE_REASON_no_memory;
	cache = cache_make();
	if (!cache)
		return -ENOMEM;
	/* tried again if `rawcache format` made the image anew meanwhile */
	for (int tries = 0; tries < ATTACH_TRIES; tries++) {
		err = cache_attach(cache, options, reason);
		if (!err && storage_is_lost(cache)) {
			*reason = RAWCACHE_REASON_io_error;
			err = -EIO;
		}
		if (err != -EREMCHG)
			break;
		cache_release(cache);
	}
	if (err) {
		cache_release(cache);
		cache_unlisted = NULL;
		memory_unmap(cache, sizeof(*cache));
		slot_count_aside(options, *reason);
		return err == -EREMCHG ? -EBUSY : err;
	}
	*reason = RAWCACHE_REASON_none;
	caches_add(cache);
	cache_unlisted = NULL;
	cache_announce(cache);
	slot_count_aside(options, RAWCACHE_REASON_none);
	if (!options->manual_fork)
		fork_handlers_register();
	*result = cache;
	return 0;
}

void rawcache_detach(struct rawcache *cache)
{
	if (!cache)
		return;
	/* before the slot is given up: storing threads hold pins of it */
	follow_drop_all(cache);
	watcher_drop(cache);
	fetch_drop_all(cache);
	cache_renounce(cache);
	process_detach(cache);
	/* not earlier: folding may fault, if the image was truncated */
	caches_remove(cache);
	cache_release(cache);
	memory_unmap(cache, sizeof(*cache));
}
