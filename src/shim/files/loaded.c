/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/loaded.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <sys/single_threaded.h>

#include <rawcache/embed.h>

#include "base/clock.h"
#include "base/critical.h"
#include "base/patience.h"
#include "base/record_locks.h"
#include "base/stack.h"
#include "base/stats.h"
#include "base/sys.h"

#include "shim/files/loaded_find.h"
#include "shim/libc/pathbuf.h"
#include "shim/libc/procfd.h"
#include "shim/libc/thread.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"

/* Segments of libraries that are in place at a time; others are read from the origin. */
#define REPLACED_SEGMENTS 64u

bool loaded_looked, loaded_begun;
uint32_t loaded_opening;

/* Of which pages of the image were put in place: under `busy`. */
struct replaced_segment {
	uintptr_t base; /* of the library */
	const ElfW(Phdr) * headers;
	struct library_segment segment;
	bool there; /* seen in the loader's list */
};

static uint32_t busy; /* a thread looks at what is loaded, or closes, or forks */
static large_table struct replaced_segment replaced_segments[REPLACED_SEGMENTS];
static uint32_t replaced_segments_count;
/* Those at the beginning of the loader's list that were looked at, while none is taken out of it. */
static unsigned int examined;
static unsigned long long added, removed;

static bool busy_take(void)
{
	uint32_t free = 0;

	return cas(&busy, &free, 1);
}

bool loaded_nap(uint32_t *naps)
{
	struct timespec nap = { 0, LOADER_NAP_NS };

	if (*naps == LOADER_NAPS)
		return false;
	++*naps;
	sys_nanosleep(&nap);
	return true;
}

/* Who has the loader's lock, which the other one may wait for, waits in vain. */
static bool busy_await(void)
{
	uint32_t naps = 0;
	bool taken;

	while (!(taken = busy_take()) && loaded_nap(&naps))
		;
	return taken;
}

static void busy_give(void)
{
	store_release(&busy, 0);
}

/*
 * --- fork(): the loader's lock, which is held for a look at its list, would stay so in the child; and what the program
 * calls with the lock (dl_iterate_phdr()) may wait for a thread of its own that would take a look
 */

static uint32_t visits, forks; /* threads that have the lock, or are about to take it; that fork */
static uint32_t callers;       /* calls of dl_iterate_phdr() by the program; this thread's */
static tls_initial uint32_t own_calls;
static tls_initial bool fork_taken;

void loaded_call_begin(void)
{
	uint32_t naps = 0;

	own_calls++;
	fetch_add(&callers, 1);
	fence_full(); /* pairs with the one in loaded_visit() */
	while (load_acquire(&visits) && loaded_nap(&naps))
		;
}

void loaded_call_end(void)
{
	own_calls--;
	fetch_sub(&callers, 1);
}

static void fork_prepare(void)
{
	uint32_t naps = 0;

	fork_taken = busy_await();
	fetch_add(&forks, 1);
	fence_full(); /* pairs with the one in loaded_visit() */
	while (load_acquire(&visits) && loaded_nap(&naps))
		;
}

static void fork_parent(void)
{
	fetch_sub(&forks, 1);
	if (fork_taken)
		busy_give();
}

static void fork_child(void)
{
	store_relaxed(&loaded_opening, 0);
	store_relaxed(&visits, 0);
	store_relaxed(&forks, 0);
	store_relaxed(&callers, own_calls);
	busy_give();
}

static void forks_heed(void)
{
	static uint32_t heeded;
	uint32_t no = 0;

	if (cas(&heeded, &no, 1))
		pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* With signals held back: a handler could leave it with the lock. */
int loaded_visit(int (*visit)(struct dl_phdr_info *info, size_t size, void *arg), void *arg)
{
	struct critical critical;
	int found = LOADED_LATER;

	forks_heed();
	critical_enter(&critical);
	fetch_add(&visits, 1);
	fence_full();
	if (!load_relaxed(&forks) && load_relaxed(&callers) == own_calls)
		found = NEXT(dl_iterate_phdr)(visit, arg);
	fetch_sub(&visits, 1);
	critical_leave(&critical);
	return found;
}

/* --- what was not looked at */

static bool is_laid(const struct dl_phdr_info *info)
{
	for (uint32_t i = 0; i < replaced_segments_count; i++)
		if (replaced_segments[i].headers == info->dlpi_phdr &&
		    replaced_segments[i].base == info->dlpi_addr)
			return true;
	return false;
}

struct library_search {
	struct library *candidate;
	unsigned int at;
	unsigned long long adds;
};

/* The next one that was not looked at and is worth it. */
static int loaded_next(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct library_search *search = arg;
	struct library *candidate = search->candidate;

	(void)size;
	if (info->dlpi_subs != removed) {
		store_relaxed(&removed, info->dlpi_subs);
		examined = 0;
	}
	search->adds = info->dlpi_adds;
	if (search->at++ < examined)
		return 0;
	examined = search->at;
	return !is_laid(info) && candidate_is(info, candidate);
}

/* 1: there are others than those that were looked at; 2: there are none. */
static int object_compare(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	return info->dlpi_adds == load_relaxed(&added) &&
			       info->dlpi_subs == load_relaxed(&removed) ?
		       2 :
		       1;
}

/* --- the image's pages in their places */

struct hold {
	struct rawcache_loaded loaded; /* first */
	const struct library *candidate;
	void (*map)(void *arg);
	void *arg;
};

static int object_hold(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct hold *hold = arg;

	(void)size;
	if (info->dlpi_addr != hold->candidate->base || info->dlpi_phdr != hold->candidate->headers)
		return 0;
	hold->map(hold->arg);
	return 1;
}

/* What is in the loader's list is mapped; it is taken out, and unmapped, under the lock of the list. */
static void candidate_hold(const struct rawcache_loaded *loaded, void (*map)(void *arg), void *arg)
{
	struct hold hold = *(const struct hold *)(const void *)loaded;

	hold.map = map;
	hold.arg = arg;
	loaded_visit(object_hold, &hold);
}

static void segments_map(const struct library *candidate, uint64_t file, int fd)
{
	struct rawcache *cache = attach_cache_now();
	struct hold hold = { .loaded = { candidate_hold, &loaded_opening },
			     .candidate = candidate };
	bool any = false;

	for (unsigned int i = 0;
	     i < candidate->segments && replaced_segments_count < REPLACED_SEGMENTS; i++) {
		const struct library_segment *segment = &candidate->segment[i];

		if (!rawcache_file_map_loaded(cache, file, fd, (void *)segment->start, segment->n,
					      segment->offset, &hold.loaded))
			continue;
		replaced_segments[replaced_segments_count] = (struct replaced_segment){
			candidate->base, candidate->headers, *segment, true
		};
		store_relaxed(&replaced_segments_count, replaced_segments_count + 1);
		any = true;
	}
	stats_add(libraries_mapped, any);
}

static void candidate_map(const struct library *candidate)
{
	enum rawcache_reason reason;
	uint64_t asked = clock_mono_ns();
	uint64_t file;
	struct statx stx;
	int fd;

	if (!attach_cache(&reason))
		return;
	fd = sys_openat(AT_FDCWD, candidate->name->path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	if (fd < 0)
		return;
	if (!attach_fstatx(fd, &stx) && S_ISREG(stx.stx_mode) &&
	    procfd_path(fd, candidate->path->path, PATH_MAX) > 0 &&
	    loaded_inside(candidate->path->path) &&
	    !rawcache_file_open_asked(attach_cache_now(), fd, candidate->path->path, &stx, asked,
				      &file, &reason)) {
		segments_map(candidate, file, fd);
		rawcache_file_put(attach_cache_now(), file);
	}
	record_locks_close(fd);
}

static void objects_look(void *arg)
{
	struct library candidate = { .name = pathbuf_get(), .path = pathbuf_get() };
	struct library_search search = { .candidate = &candidate };

	(void)arg;
	while (candidate.name && candidate.path && loaded_visit(loaded_next, &search) > 0) {
		candidate_map(&candidate);
		search.at = 0;
	}
	store_relaxed(&added, search.adds);
	if (candidate.name)
		pathbuf_put(candidate.name);
	if (candidate.path)
		pathbuf_put(candidate.path);
}

/* Another thread may be loading one that is not in the list yet: it is looked for each time, then. */
static void loaded_seen(void)
{
	store_relaxed(&loaded_looked, __libc_single_threaded || !load_relaxed(&code_grows));
}

void loaded_look_slow(void)
{
	struct critical critical;
	int found = attach_active && attach_config.paths ? loaded_visit(object_compare, NULL) : 2;

	if (found == 2)
		loaded_seen();
	if (found != 1 || process_is_foreign() || !thread_enter())
		return;
	if (!busy_take()) {
		thread_leave();
		return;
	}
	loaded_seen();
	if (stack_is_own()) {
		objects_look(NULL);
	} else {
		critical_enter(&critical);
		stack_call(objects_look, NULL);
		critical_leave(&critical);
	}
	busy_give();
	thread_leave();
}

void loaded_begin_slow(void)
{
	store_relaxed(&loaded_begun, true);
	loaded_look();
}

/* --- dlclose() */

static int object_see(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (uint32_t i = 0; i < replaced_segments_count; i++)
		replaced_segments[i].there |= replaced_segments[i].headers == info->dlpi_phdr &&
					      replaced_segments[i].base == info->dlpi_addr;
	return 0;
}

uint64_t loaded_close_begin(void)
{
	return load_relaxed(&replaced_segments_count) ? rawcache_maps_now(attach_cache_now()) : 0;
}

void loaded_close_end(uint64_t begun)
{
	uint32_t kept = 0;

	if (!begun || process_is_foreign())
		return;
	if (!busy_take()) { /* whose origin may be slow */
		rawcache_maps_ask(attach_cache_now());
		return;
	}
	for (uint32_t i = 0; i < replaced_segments_count; i++)
		replaced_segments[i].there = false;
	if (loaded_visit(object_see, NULL) == LOADED_LATER) {
		rawcache_maps_ask(attach_cache_now());
		kept = replaced_segments_count;
	}
	for (uint32_t i = kept; i < replaced_segments_count; i++) {
		const struct library_segment *segment = &replaced_segments[i].segment;

		if (replaced_segments[i].there)
			replaced_segments[kept++] = replaced_segments[i];
		else
			rawcache_maps_unloaded(attach_cache_now(), (void *)segment->start,
					       segment->n, begun);
	}
	store_relaxed(&replaced_segments_count, kept);
	busy_give();
}
