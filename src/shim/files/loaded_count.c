/* SPDX-License-Identifier: MIT */
/* What the loader loaded past the cache. */
#include "shim/libc/symbols.h"

#include <link.h>
#include <sys/single_threaded.h>

#include <rawcache/embed.h>

#include "base/compiler.h"

#include "shim/files/loaded.h"
#include "shim/files/loaded_find.h"
#include "shim/libc/thread.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"

static int loaded_object_look(struct dl_phdr_info *info, size_t size, void *arg)
{
	unsigned int *inside = arg;

	(void)size;
	if (info->dlpi_name && loaded_inside(info->dlpi_name))
		(*inside)++;
	return 0;
}

/* No other thread loads a library while the list is walked. */
at_start static void loaded_walk(unsigned int *inside)
{
	for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next)
		if (map->l_name && *map->l_name == '/' && loaded_inside(map->l_name))
			(*inside)++;
}

at_start void loaded_count(void)
{
	unsigned int inside = 0;
	enum rawcache_reason reason;

	if (!attach_active || process_is_foreign() || !thread_enter())
		return;
	if (__libc_single_threaded)
		loaded_walk(&inside);
	else
		loaded_visit(loaded_object_look, &inside);
	if (inside)
		attach_cache(&reason);
	for (; inside; inside--)
		rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_loader);
	thread_leave();
}
