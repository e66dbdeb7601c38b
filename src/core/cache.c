/* SPDX-License-Identifier: MIT */
#include "core/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/memory.h"
#include "core/file.h"
#include "core/origin.h"
#include "core/process.h"

/* One cache of the process counts statistics and is looked after in fork(): the first one. */
static struct rawcache *current;
static uint32_t fork_handlers_registered;

struct rawcache *cache_current(void)
{
	return load_acquire(&current);
}

void rawcache_options_init(struct rawcache_options *options)
{
	memset(options, 0, sizeof(*options));
	options->struct_size = sizeof(*options);
	options->mmap_threshold = RAWCACHE_AUTO;
	options->readahead = 8u << 20;
	options->settle_ms = 2000;
	options->sendfile = 1;
}

/* The options as the cache uses them: strings are the caller's and not kept. */
static void options_take(struct rawcache *cache, const struct rawcache_options *options)
{
	cache->options = *options;
	cache->options.device = NULL;
	cache->options.runtime_dir = NULL;
	if (options->mmap_threshold == RAWCACHE_AUTO)
		cache->options.mmap_threshold = 65536;
	cache->memo = !options->ttl && options->verify != RAWCACHE_VERIFY_ALWAYS;
}

static void trust_init(struct rawcache *cache)
{
	uint8_t boot_id[16];

	/* a read-only user cannot begin the epoch of a new boot: it verifies what it reads */
	if (!boot_id_read(boot_id) && image_epoch_current(&cache->image, boot_id))
		cache->trusted_epoch = format_epoch(cache->image.sb.epoch);
}

static int cache_attach(struct rawcache *cache, const struct rawcache_options *options,
			enum rawcache_reason *reason)
{
	const char *why = "";
	int err;

	cache->slot = -1;
	cache->runtime.fd = -1;
	cache->image.fd = -1;
	pthread_mutex_init(&cache->process_lock, NULL);
	options_take(cache, options);
	err = image_open(&cache->image, options->device, false, options->allow_shared, &why,
			 reason);
	if (err) {
		log_warn("%s is not used: %s", options->device, why);
		return err;
	}
	cache->chunk_bytes = 1u << cache->image.sb.chunk_shift;
	err = runtime_attach(&cache->runtime, &cache->image, options->runtime_dir, reason);
	if (err && !cache->image.read_only) {
		log_warn("the runtime segment of %s is not used: error %d", options->device, err);
		return err;
	}
	trust_init(cache);
	*reason = RAWCACHE_REASON_no_memory;
	err = files_init(cache);
	if (err || options->read_only || cache->image.read_only || cache->runtime.read_only)
		return err;
	*reason = RAWCACHE_REASON_slots_full;
	return process_attach(cache);
}

/* Count in the runtime segment from now on, if this cache is the first of the process. */
static void cache_announce(struct rawcache *cache)
{
	struct rawcache *none = NULL;

	if (!cas(&current, &none, cache))
		return;
	if (cache->slot < 0)
		return;
	cache->provider.thread = process_block_get;
	cache->provider.release = process_block_put;
	cache->provider.shared = &cache_slot(cache)->stats;
	stats_set_provider(&cache->provider);
}

static void fork_handlers_register(void)
{
	uint32_t no = 0;

	if (cas(&fork_handlers_registered, &no, 1))
		pthread_atfork(rawcache_fork_prepare, rawcache_fork_parent, rawcache_fork_child);
}

int rawcache_attach(const struct rawcache_options *options, struct rawcache **result,
		    enum rawcache_reason *reason)
{
	enum rawcache_reason ignored;
	struct rawcache *cache;
	int err = -EINVAL;

	if (!reason)
		reason = &ignored;
	*reason = RAWCACHE_REASON_image_refused;
	if (options->struct_size != sizeof(*options) || !options->device)
		return err;
	*reason = RAWCACHE_REASON_no_memory;
	cache = memory_map(sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	err = cache_attach(cache, options, reason);
	if (err) {
		rawcache_detach(cache);
		return err;
	}
	*reason = RAWCACHE_REASON_none;
	cache_announce(cache);
	if (!options->manual_fork)
		fork_handlers_register();
	*result = cache;
	return 0;
}

void rawcache_detach(struct rawcache *cache)
{
	struct rawcache *mine = cache;

	if (!cache)
		return;
	if (cas(&current, &mine, NULL)) {
		stats_set_provider(NULL);
		stats_forget();
	}
	process_detach(cache);
	files_fini(cache);
	runtime_detach(&cache->runtime);
	image_close(&cache->image);
	memory_unmap(cache, sizeof(*cache));
}

bool rawcache_owns_fd(int fd)
{
	const struct rawcache *cache = cache_current();

	return cache && fd >= 0 && (fd == cache->image.fd || fd == cache->runtime.fd);
}

bool rawcache_handle_fault(void *address)
{
	return guard_fault(address);
}

/* --- fork */

void rawcache_fork_prepare(void)
{
	struct rawcache *cache = cache_current();

	if (cache) {
		pthread_mutex_lock(&cache->process_lock);
		if (cache->files)
			files_fork_prepare(cache);
	}
	origin_fork_prepare();
	memory_fork_prepare();
}

static void fork_release(struct rawcache *cache)
{
	memory_fork_release();
	origin_fork_release();
	if (cache) {
		if (cache->files)
			files_fork_release(cache);
		pthread_mutex_unlock(&cache->process_lock);
	}
}

void rawcache_fork_parent(void)
{
	fork_release(cache_current());
}

/* The slot stays the parent's; the child counts in private memory until it has its own. */
void rawcache_fork_child(void)
{
	struct rawcache *cache = cache_current();

	if (cache && cache->slot >= 0) {
		stats_set_provider(NULL);
		cache->slot = -2;
	}
	stats_forget();
	fork_release(cache);
}

static int child_attach(struct rawcache *cache)
{
	int err = runtime_reopen(&cache->runtime);

	if (!err)
		err = process_attach(cache);
	if (err) {
		log_info("a fork child has no slot: error %d", err);
		cache->slot = -1;
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
	struct critical critical;
	int err = 0;

	if (likely(load_acquire(&cache->slot) >= 0))
		return 0;
	if (load_acquire(&cache->slot) == -1)
		return -EROFS;
	critical_enter(&critical);
	pthread_mutex_lock(&cache->process_lock);
	if (cache->slot == -2)
		err = child_attach(cache);
	pthread_mutex_unlock(&cache->process_lock);
	critical_leave(&critical);
	return err;
}

/* --- statistics */

void rawcache_count_bypass(struct rawcache *cache, enum rawcache_reason reason)
{
	(void)cache;
	if (reason < RAWCACHE_REASON_COUNT)
		stats_bypass(reason);
}

int rawcache_stats_total(struct rawcache *cache, struct rawcache_stats *total)
{
	struct rawcache_stats one;

	memset(total, 0, sizeof(*total));
	if (cache->runtime.header && !cache->runtime.read_only) {
		process_reap(cache);
		for (uint32_t i = 0; i < RUNTIME_SLOTS; i++) {
			if (!load_acquire(&cache->runtime.slots[i].used))
				continue;
			process_stats(cache, i, &one);
			stats_fold(total, &one);
		}
	}
	stats_fold(total, (const struct rawcache_stats *)cache->image.totals);
	return 0;
}

int rawcache_stats_processes(struct rawcache *cache, struct rawcache_process *rows, size_t max)
{
	int count = 0;

	if (!cache->runtime.header || cache->runtime.read_only)
		return 0;
	process_reap(cache);
	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++) {
		const struct process_slot *slot = &cache->runtime.slots[i];
		struct rawcache_process *row = &rows[count];

		if (!load_acquire(&slot->used))
			continue;
		if ((size_t)count++ >= max)
			continue;
		row->pid = slot->pid;
		row->slot = i;
		row->attached = slot->attached;
		memcpy(row->command, slot->command, sizeof(row->command));
		row->command[sizeof(row->command) - 1] = '\0';
		process_stats(cache, i, &row->stats);
	}
	return count;
}
