/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/loaded.h"

#include <link.h>

#include <rawcache/embed.h>

#include "base/paths.h"

#include "shim/libc/thread.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"

static int loaded_object_look(struct dl_phdr_info *info, size_t size, void *arg)
{
	unsigned int *inside = arg;

	(void)size;
	if (info->dlpi_name && info->dlpi_name[0] == '/' &&
	    paths_match(attach_config.paths, info->dlpi_name) == PATH_INSIDE)
		(*inside)++;
	return 0;
}

void loaded_count(void)
{
	unsigned int inside = 0;
	enum rawcache_reason reason;

	if (!attach_active || process_is_foreign() || !thread_enter())
		return;
	dl_iterate_phdr(loaded_object_look, &inside);
	if (inside)
		attach_cache(&reason);
	for (; inside; inside--)
		rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_loader);
	thread_leave();
}
