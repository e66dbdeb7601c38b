/* SPDX-License-Identifier: MIT */
#include "core/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rawcache/zerocopy.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/memory.h"
#include "core/fetch.h"
#include "core/follow.h"
#include "core/file.h"
#include "core/hold.h"
#include "core/lock.h"
#include "core/origin.h"
#include "core/process.h"
#include "core/storage.h"

/* One cache of the process counts statistics: the first one. */
static struct rawcache *current;
/* All of them are looked after in fork(). Under all_lock; no other lock is taken inside. */
static struct rawcache *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
/* What this thread is attaching or letting go of: nobody else knows it. For rawcache_handle_fault(). */
static tls_initial struct rawcache *unlisted;
static struct critical fork_critical; /* of the thread that forks; all_lock is held */
static uint32_t fork_handlers_registered;

#define ATTACH_TRIES 4

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
	trust_init(cache);
	*reason = RAWCACHE_REASON_no_memory;
	err = files_init(cache);
	if (err || options->read_only || cache->image.read_only || cache->runtime.read_only)
		return err;
	first_user(cache);
	*reason = RAWCACHE_REASON_slots_full;
	err = slot_attach(cache, process_attach);
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
	image_close(&cache->image);
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
		return err == -EREMCHG ? -EBUSY : err;
	}
	*reason = RAWCACHE_REASON_none;
	all_add(cache);
	unlisted = NULL;
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
	/* before the slot goes: threads that store hold pins of it */
	follow_drop_all(cache);
	fetch_drop_all(cache);
	if (load_acquire(&current) == cache)
		stats_release();
	if (cas(&current, &mine, NULL))
		stats_set_provider(NULL);
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

	if (guard_fault(address) || (unlisted && cache_fault(unlisted, at)))
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
	fetch_fork_prepare();
	for (struct rawcache *cache = all; cache; cache = cache->next) {
		pthread_mutex_lock(&cache->process_lock);
		files_fork_prepare(cache);
		maps_fork_prepare(&cache->maps);
	}
	origin_fork_prepare();
	memory_fork_prepare();
}

static void helpers_fork_parent(void)
{
	fetch_fork_parent();
	follow_fork_parent();
}

static void helpers_fork_child(void)
{
	fetch_fork_child();
	follow_fork_child();
}

static void fork_release(void (*helpers_release)(void))
{
	struct critical critical = fork_critical;

	memory_fork_release();
	origin_fork_release();
	for (struct rawcache *cache = all; cache; cache = cache->next) {
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

/*
 * The slot stays the parent's; the child counts in private memory until it has its own. It opens
 * the segment anew at once, so that its parent's lock does not outlive the parent.
 */
static void cache_fork_child(struct rawcache *cache)
{
	if (cache->slot < 0)
		return;
	cache->slot = SLOT_LATER;
	cache->slot_keeper = NULL; /* it was not inherited */
	cache->blocks_out = 0;
	cache->runtime.foreign = true;
	if (runtime_reopen(&cache->runtime))
		cache->slot = SLOT_NONE;
}

void rawcache_fork_child(void)
{
	stats_fork_child();
	for (struct rawcache *cache = all; cache; cache = cache->next)
		cache_fork_child(cache);
	fork_release(helpers_fork_child);
	for (struct rawcache *cache = all; cache; cache = cache->next)
		maps_fork_child(cache);
}

/*
 * glibc tells the kernel where a thread keeps its locks, in the child of a fork(), too, but not in
 * that of a bare clone(): if that one dies with a lock, nobody is told.
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

	/* a child that no handler saw (a bare clone) shares its parent's description */
	if (cache->slot >= 0 && cache->pid != sys_getpid())
		cache_fork_child(cache);
	if (cache->slot == SLOT_NONE)
		return -EROFS;
	if (cache->slot >= 0)
		return 0;
	err = robust_thread() ? process_attach(cache) : -EROFS;
	if (err) {
		log_info("a fork child has no slot: error %d", err);
		cache->slot = SLOT_NONE;
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
