/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/attach.h"

#include <limits.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/clock.h"
#include "base/critical.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/patience.h"
#include "base/stack.h"
#include "base/sys.h"

#include "shim/table/fdtab.h"
#include "shim/libc/signals.h"

/* DONE is for ever: numbers of files mean nothing in another cache than the one that gave them. */
enum attach_state { ATTACH_IDLE, ATTACH_RUNNING, ATTACH_FAILED, ATTACH_DONE };

struct config attach_config;
bool attach_active;
bool attach_excludes;
struct rawcache *attach_attached;
uint32_t (*attach_number)(int fd) = fdtab_changes;
void (*attach_begins)(void);

static int attach_progress;    /* enum attach_state */
static int fork_state;	       /* `attach_progress` before a fork took it */
static uint64_t failed_ms;     /* when attaching last failed */
static uint32_t failed_reason; /* enum rawcache_reason */
static large_table char default_device[PATH_MAX];
static tls_initial bool attaching; /* this thread is inside rawcache_attach() */

at_start bool attach_asked(void)
{
	static const char paths[] = "RAWCACHE_PATHS=";

	for (char **e = environ; e && *e; e++) {
		size_t i = 0;

		while (paths[i] && (*e)[i] == paths[i])
			i++;
		if (!paths[i])
			return (*e)[i];
	}
	return false;
}

at_start void attach_init(const char *name)
{
	const char *slash = strrchr(name, '/');

	if (!attach_asked() || getauxval(AT_SECURE))
		return;
	if (config_load(&attach_config, NULL, NULL) < 0)
		return;
	if (!*attach_config.paths || attach_config.disable ||
	    list_contains(attach_config.skip, slash ? slash + 1 : name)) {
		config_free(&attach_config);
		return;
	}
	log_init(attach_config.log, attach_config.log_level);
	/* copied now, because the program may overwrite its environment */
	if (!*attach_config.device && config_default_device(default_device, sizeof(default_device)))
		default_device[0] = '\0';
	attach_excludes = paths_exclude(attach_config.paths);
	store_release(&attach_active, true);
}

/* Whether the reason does not pass with time. */
static bool reason_lasts(uint32_t reason)
{
	return reason == RAWCACHE_REASON_image_refused;
}

struct attempt {
	struct rawcache *cache;
	enum rawcache_reason reason;
	int err;
};

/* For the tier's library: libc's own function, because our hook would set positions in the kernel. */
static void *library_open(const char *name, int flags)
{
	return NEXT(dlopen)(name, flags);
}

static void *library_find(void *library, const char *name)
{
	return NEXT(dlsym)(library, name);
}

static void attempt_run(void *arg)
{
	struct attempt *attempt = arg;
	struct rawcache_options options;

	config_to_options(&attach_config, &options);
	if (!*attach_config.device)
		options.device = default_device;
	options.number = attach_number;
	options.library_open = library_open;
	options.library_find = library_find;
	signals_install(); /* installed first: a page of the image that cannot be read faults already while attaching */
	attempt->err = rawcache_attach(&options, &attempt->cache, &attempt->reason);
	if (attempt->err)
		log_warn("attach to %s: %s (%d)", options.device,
			 rawcache_reason_name(attempt->reason), attempt->err);
}

/* Attach on a stack of our own: the one on which the program opens its first file may be too small. */
static void attach_now(void)
{
	struct attempt attempt = { .reason = RAWCACHE_REASON_no_memory, .err = -ENOMEM };
	struct critical critical;

	critical_enter(&critical);
	attaching = true;
	if (attach_begins)
		attach_begins();
	stack_call(attempt_run, &attempt);
	if (!attempt.err) {
		store_release(&attach_attached, attempt.cache);
	} else {
		store_relaxed(&failed_reason, attempt.reason);
		store_relaxed(&failed_ms, clock_coarse_ms());
	}
	attaching = false;
	store_release(&attach_progress, attempt.err ? ATTACH_FAILED : ATTACH_DONE);
	critical_leave(&critical);
}

/* Another thread is attaching, which takes milliseconds: wait, but not for ever. */
static void attach_wait(void)
{
	const struct timespec nap = { .tv_nsec = 500000 };
	uint64_t until = clock_coarse_ms() + ATTACH_WAIT_MS;

	while (load_acquire(&attach_progress) == ATTACH_RUNNING && clock_coarse_ms() < until)
		sys_nanosleep(&nap);
}

static bool attach_may_try(int seen)
{
	uint32_t reason = load_relaxed(&failed_reason);

	if (seen != ATTACH_FAILED)
		return seen == ATTACH_IDLE;
	return !reason_lasts(reason) &&
	       clock_coarse_ms() - load_relaxed(&failed_ms) >= ATTACH_RETRY_MS;
}

struct rawcache *attach_cache(enum rawcache_reason *reason)
{
	int seen;

	if (likely(attach_cache_now()))
		return attach_cache_now();
	*reason = RAWCACHE_REASON_nested;
	if (attaching)
		return NULL;
	seen = load_acquire(&attach_progress);
	if (attach_may_try(seen) && cas(&attach_progress, &seen, ATTACH_RUNNING))
		attach_now();
	else if (seen == ATTACH_RUNNING) /* seen now, or by the exchange that failed */
		attach_wait();
	*reason = load_relaxed(&failed_reason);
	return attach_cache_now();
}

/*
 * While a fork holds the state, other threads see an attachment under way and wait for it. If one really is
 * under way and does not end, the fork goes on without: nothing in the child uses what is half attached.
 */
bool attach_fork_prepare(void)
{
	int seen;

	if (attach_cache_now())
		return false;
	attach_wait();
	seen = load_acquire(&attach_progress);
	while (seen != ATTACH_RUNNING && seen != ATTACH_DONE)
		if (cas(&attach_progress, &seen, ATTACH_RUNNING)) {
			fork_state = seen;
			return true;
		}
	return false;
}

void attach_fork_release(bool held, bool child)
{
	if (held)
		store_release(&attach_progress, fork_state);
	else if (child && load_relaxed(&attach_progress) == ATTACH_RUNNING)
		store_release(&attach_progress, ATTACH_IDLE);
}
