/* SPDX-License-Identifier: MIT */
#include "core/shared/aside.h"
#include "core/shared/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rawcache/embed.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sized.h"
#include "base/uuid.h"
#include "core/fill/fetch.h"
#include "core/read/way.h"
#include "core/zerocopy/follow.h"
#include "core/origin/file.h"
#include "core/shared/hold.h"
#include "core/zerocopy/lock.h"
#include "core/origin/origin.h"
#include "core/origin/pool.h"
#include "core/shared/process.h"
#include "core/shared/slot.h"
#include "core/shared/storage.h"
#include "core/zerocopy/maps.h"
#include "core/shared/watch.h"
#include "core/zerocopy/watcher.h"

/* All of them are looked after in fork(). Under all_lock; no other lock is taken inside. */
static struct rawcache *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
/* What this thread is attaching or letting go of: nobody else knows it. For rawcache_handle_fault(). */
static tls_initial struct rawcache *unlisted;
static struct critical fork_critical; /* of the thread that forks; all_lock is held */
static uint32_t fork_handlers_registered;

#define ATTACH_TRIES 4

/* The options as the cache uses them: strings are the caller's and not kept. */
static void options_take(struct rawcache *cache, const struct rawcache_options *options)
{
	cache->options = *options;
	cache->options.device = NULL;
	cache->options.runtime_dir = NULL;
	way_init(&cache->way);
	cache->memo = !options->ttl && options->verify != RAWCACHE_VERIFY_ALWAYS;
}

static void trust_init(struct rawcache *cache)
{
	uint8_t boot_id[16];

	/* a read-only user cannot begin the epoch of a new boot: it verifies what it reads */
	if (!boot_id_read(boot_id) && image_epoch_current(&cache->image, boot_id))
		cache->trusting = true;
}

/* If nobody else uses the image: it may have been replaced by an older copy, or its disk lost something. */
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
	cache->chunk_bytes = 1u << cache->image.sb.chunk_shift;
	err = runtime_attach(&cache->runtime, &cache->image, options->runtime_dir, reason);
	if (err && (!cache->image.read_only || err == -EREMCHG)) {
		log_warn("the runtime segment of %s is not used: error %d", options->device, err);
		return err;
	}
	if (cache->image.read_only && !options->read_only)
		log_warn("%s can only be read here: what is not cached yet will not be", options->device);
	trust_init(cache);
	*reason = RAWCACHE_REASON_no_memory;
	err = files_init(cache, fetch_drop);
	if (err || options->read_only || cache->image.read_only || cache->runtime.read_only)
		return err;
	first_user(cache);
	*reason = RAWCACHE_REASON_slots_full;
	err = slot_take(cache);
	if (!err)
		storage_check(cache);
	return err;
}

static void all_add(struct rawcache *cache)
{
	struct critical critical;

	critical_enter(&critical);
	pthread_mutex_lock(&all_lock);
	cache->next = all;
	all = cache;
	pthread_mutex_unlock(&all_lock);
	critical_leave(&critical);
}

static void all_remove(struct rawcache *cache)
{
	struct critical critical;

	critical_enter(&critical);
	pthread_mutex_lock(&all_lock);
	for (struct rawcache **p = &all; *p; p = &(*p)->next) {
		if (*p == cache) {
			*p = cache->next;
			break;
		}
	}
	pthread_mutex_unlock(&all_lock);
	critical_leave(&critical);
}

static void fork_handlers_register(void)
{
	uint32_t no = 0;

	if (cas(&fork_handlers_registered, &no, 1))
		pthread_atfork(rawcache_fork_prepare, rawcache_fork_parent, rawcache_fork_child);
}

static void cache_release(struct rawcache *cache)
{
	fetch_drop_all(cache);
	process_detach(cache);
	files_fini(cache);
	storage_close(cache);
	/* threads that still count into blocks of the segment must not fault: it stays mapped */
	if (load_acquire(&cache->blocks_out))
		cache->runtime.header = NULL;
	runtime_detach(&cache->runtime);
	hold_end(cache);
	watch_end(cache);
	image_close(&cache->image);
}

/* The options up to those of the first version that had this rule. */
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
	cache = memory_map(sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	unlisted = cache;
	/* again when `rawcache format` made the image anew under our hands */
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
		unlisted = NULL;
		memory_unmap(cache, sizeof(*cache));
		slot_count_aside(options, *reason);
		return err == -EREMCHG ? -EBUSY : err;
	}
	*reason = RAWCACHE_REASON_none;
	all_add(cache);
	unlisted = NULL;
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
	/* before the slot goes: threads that store hold pins of it */
	follow_drop_all(cache);
	watcher_drop(cache);
	fetch_drop_all(cache);
	cache_renounce(cache);
	process_detach(cache);
	/* not earlier: folding may fault, where somebody cut the image short */
	all_remove(cache);
	cache_release(cache);
	memory_unmap(cache, sizeof(*cache));
}

bool rawcache_owns_fd(int fd)
{
	for (const struct rawcache *cache = load_acquire(&all); cache; cache = cache->next)
		if (fd >= 0 && (fd == cache->image.fd || fd == cache->runtime.fd ||
				fd == load_relaxed(&cache->direct_fd) - 1))
			return true;
	return fd >= 0 && io_owns_fd(fd);
}

/* Zeros in place of a page of ours that the kernel cannot read: nothing is found in them. */
static bool page_replace(struct rawcache *cache, uintptr_t address, const void *start, uint64_t n)
{
	uintptr_t page = address & ~(uintptr_t)(FORMAT_PAGE - 1);

	if (!start || address < (uintptr_t)start || address >= (uintptr_t)start + n)
		return false;
	storage_lost(cache);
	return !sys_is_error(sys_mmap((void *)page, FORMAT_PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static bool cache_fault(struct rawcache *cache, uintptr_t at)
{
	return page_replace(cache, at, cache->image.meta, cache->image.meta_bytes) ||
	       page_replace(cache, at, cache->runtime.header, cache->runtime.bytes);
}

bool rawcache_handle_fault(void *address)
{
	uintptr_t at = (uintptr_t)address;

	if (guard_fault(address) || (unlisted && cache_fault(unlisted, at)) || aside_fault(at))
		return true;
	for (struct rawcache *cache = load_acquire(&all); cache; cache = cache->next)
		if (cache_fault(cache, at))
			return true;
	return false;
}

bool rawcache_maps_fault(void *address)
{
	for (struct rawcache *cache = load_acquire(&all); cache; cache = cache->next) {
		if (!maps_fault(cache, (uintptr_t)address))
			continue;
		storage_lost(cache);
		if (stats_mine)
			stats_add(io_errors, 1);
		return true;
	}
	return false;
}

void rawcache_helpers_dismiss(void)
{
	follow_dismiss();
	for (struct rawcache *cache = load_acquire(&all); cache; cache = cache->next)
		watcher_dismiss(cache);
}

bool rawcache_helpers_leave(void)
{
	follow_dismiss();
	return pools_leave();
}

void rawcache_helpers_step_aside(void)
{
	pools_step_aside();
}

void rawcache_helpers_return(void)
{
	pools_return();
}

int rawcache_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags)
{
	int ret = maps_lock_all(cache, lock, flags);

	if (!ret || !(flags & MCL_CURRENT) || lock_others(cache, flags))
		return ret;
	return flags & MCL_FUTURE ? lock(flags & ~MCL_CURRENT) : 0;
}

/* --- fork */

/* Signals are held back from here to the release: a handler that reads would wait for us. */
void rawcache_fork_prepare(void)
{
	struct critical critical;

	critical_enter(&critical);
	pthread_mutex_lock(&all_lock);
	fork_critical = critical;
	follow_fork_prepare();
	watcher_fork_prepare();
	fetch_fork_prepare();
	for (struct rawcache *cache = all; cache; cache = cache->next) {
		pthread_mutex_lock(&cache->process_lock);
		files_fork_prepare(cache);
		maps_fork_prepare(&cache->maps);
		pthread_mutex_lock(&cache->watch_lock);
	}
	origin_fork_prepare();
	memory_fork_prepare();
}

static void helpers_fork_parent(void)
{
	fetch_fork_parent();
	watcher_fork_parent();
	follow_fork_parent();
}

static void helpers_fork_child(void)
{
	fetch_fork_child();
	watcher_fork_child();
	follow_fork_child();
}

static void fork_release(void (*helpers_release)(void))
{
	struct critical critical = fork_critical;

	memory_fork_release();
	origin_fork_release();
	for (struct rawcache *cache = all; cache; cache = cache->next) {
		pthread_mutex_unlock(&cache->watch_lock);
		maps_fork_release(&cache->maps);
		files_fork_release(cache);
		pthread_mutex_unlock(&cache->process_lock);
	}
	helpers_release();
	pthread_mutex_unlock(&all_lock);
	critical_leave(&critical);
}

void rawcache_fork_parent(void)
{
	fork_release(helpers_fork_parent);
}

void rawcache_fork_child(void)
{
	stats_fork_child();
	aside_fork_child();
	for (struct rawcache *cache = all; cache; cache = cache->next)
		slot_fork_child(cache);
	fork_release(helpers_fork_child);
	for (struct rawcache *cache = all; cache; cache = cache->next) {
		maps_fork_child(cache);
		watcher_fork_anew(cache);
	}
}

/* --- statistics */

void rawcache_count_bypass(struct rawcache *cache, enum rawcache_reason reason)
{
	(void)cache;
	if (reason < RAWCACHE_REASON_COUNT)
		stats_bypass(reason);
}

int rawcache_stats_total(struct rawcache *cache, struct rawcache_stats *theirs, size_t size)
{
	struct rawcache_stats sum = { 0 };
	struct rawcache_stats *total = &sum;
	struct rawcache_stats one;

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
	aside_total(&cache->image, cache->runtime.path, total);
	sized_out(theirs, size, total, sizeof(*total));
	return 0;
}

static void row_fill(struct rawcache *cache, uint32_t i, struct rawcache_process *row)
{
	const struct process_slot *slot = &cache->runtime.slots[i];

	row->pid = slot->pid;
	row->slot = i;
	row->attached = slot->attached;
	memcpy(row->command, slot->command, sizeof(row->command));
	row->command[sizeof(row->command) - 1] = '\0';
	process_stats(cache, i, &row->stats);
}

int rawcache_stats_processes(struct rawcache *cache, struct rawcache_process *rows, size_t row_size,
			     size_t max)
{
	struct rawcache_process row;
	int count = 0;

	if (!cache->runtime.header || cache->runtime.read_only)
		return 0;
	process_reap(cache);
	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++) {
		if (!load_acquire(&cache->runtime.slots[i].used))
			continue;
		if ((size_t)count++ >= max)
			continue;
		row_fill(cache, i, &row);
		sized_out((char *)rows + (size_t)(count - 1) * row_size, row_size, &row, sizeof(row));
	}
	return count;
}
