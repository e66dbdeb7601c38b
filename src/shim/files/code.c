/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/code.h"

#include <link.h>
#include <string.h>
#include <sys/single_threaded.h>

#include <rawcache/embed.h>

#include "base/paths.h"
#include "base/sys.h"
#include "base/unusual.h"

#include "shim/files/code_object.h"
#include "shim/files/code_scan.h"
#include "shim/files/loaded.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"
#include "shim/table/watch.h"

#define SEARCH_STEP ((size_t)1 << 20)	  /* bytes between two looks at the cost */
#define SEARCH_PAGES (SEARCH_STEP / 4096) /* of 4 KiB */
/* The most that a process searches, a tenth of a second; the first object is searched whatever its size. */
#define SEARCH_MAX ((size_t)256 << 20)
/*
 * Page faults for which the kernel had to read; fewer are allowed below a cached directory, where a server
 * may be asked.
 */
#define FAULTS_MAX 64
#define FAULTS_MAX_INSIDE 4
#define SEEN 256u

bool code_looked;
bool code_grows;

struct code_look {
	bool first, calls, unknown;
	unsigned long long adds;
};

static size_t searched;
/*
 * The objects of this process that were searched: their addresses, by hash. Written under the loader's
 * lock.
 */
static large_table uintptr_t code_seen[SEEN];
static unsigned long long seen_adds, seen_subs;

/* Whether all of it is in memory, as far as the kernel tells. */
static bool in_memory(const unsigned char *p, size_t n)
{
	unsigned char pages[SEARCH_PAGES + 1];
	uintptr_t start = (uintptr_t)p & ~(uintptr_t)4095;

	n += (uintptr_t)p - start;
	if (unusual_mincore((const void *)start, n, pages))
		return false;
	for (size_t i = 0; i < (n + 4095) / 4096; i++)
		if (!(pages[i] & 1))
			return false;
	return true;
}

/* 1, 0, or -1: the search would cost too much. */
static int part_calls(const struct code_part *part, bool inside)
{
	long most = sys_major_faults() + (inside ? FAULTS_MAX_INSIDE : FAULTS_MAX);

	for (size_t at = 0; at < part->n; at += SEARCH_STEP) {
		size_t n = part->n - at < SEARCH_STEP ? part->n - at : SEARCH_STEP;

		if (inside && !in_memory(part->p + at, n))
			return -1;
		if (code_scan(part->p, part->n, at, at + n))
			return 1;
		if (sys_major_faults() > most)
			return -1;
	}
	searched += part->n;
	return 0;
}

static int object_calls(const struct code_object *object)
{
	bool inside = attach_config.paths &&
		      paths_match(attach_config.paths, object->path) == PATH_INSIDE;

	for (unsigned int i = 0; i < object->parts; i++) {
		int calls = part_calls(&object->part[i], inside);

		/*
		 * most hits are data between the code; if the sections are known, only those with code are
		 * searched
		 */
		if (calls > 0)
			calls = code_sections_call(object, &object->part[i]);
		if (calls)
			return calls;
	}
	return 0;
}

static bool seen_before(const struct dl_phdr_info *info)
{
	uintptr_t at = (uintptr_t)info->dlpi_phdr;
	uintptr_t *place = &code_seen[(at >> 12 ^ at >> 20) % SEEN];

	if (*place == at)
		return true;
	*place = at;
	return false;
}

static void object_search(const struct code_object *object, struct code_look *look)
{
	int calls = object->id ? rawcache_code_known(attach_cache_now(), object->id) : -1;

	if (calls < 0 && (look->first || searched < SEARCH_MAX)) {
		look->first = false;
		calls = object_calls(object);
		if (calls >= 0 && object->id)
			rawcache_code_note(attach_cache_now(), object->id, calls);
	}
	look->calls |= calls > 0;
	look->unknown |= calls < 0;
}

static int object_look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct code_object object;
	struct code_look *look = arg;

	(void)size;
	if (info->dlpi_adds == seen_adds && info->dlpi_subs == seen_subs)
		return 1;
	/* another object may lie where an unloaded one was */
	if (info->dlpi_subs != seen_subs)
		memset(code_seen, 0, sizeof(code_seen));
	seen_subs = info->dlpi_subs;
	look->adds = info->dlpi_adds;
	if (seen_before(info) || !code_object_read(info, &object))
		return 0;
	if (object.go)
		look->calls = true;
	else
		object_search(&object, look);
	return 0;
}

void code_look_slow(void)
{
	static bool
		gave_up; /* who has the loader's lock may have it for long: it is waited for once */
	struct code_look look = { .first = true };
	uint32_t naps = 0;
	bool later;

	if (!attach_cache_now() || process_is_foreign())
		return;
	/*
	 * another thread may be loading an object that is not in the list yet: then the list is read each
	 * time
	 */
	store_relaxed(&code_looked, (__libc_single_threaded || !load_relaxed(&code_grows)));
	do
		later = loaded_visit(object_look, &look) == LOADED_LATER;
	while (later && !load_relaxed(&gave_up) && loaded_nap(&naps));
	store_relaxed(&gave_up, later);
	if (later)
		store_relaxed(&code_looked, false);
	if (look.adds)
		store_relaxed(&seen_adds, look.adds);
	if (look.calls || look.unknown)
		past_begin(SIGN_CODE);
}
