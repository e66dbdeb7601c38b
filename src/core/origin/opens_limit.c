/* SPDX-License-Identifier: MIT */
#include "core/origin/opens_queue.h"

#include "base/checked.h"
#include "base/compiler.h"
#include "core/shared/cache.h"
#include "core/shared/process.h"

/* Half of the RLIMIT_NOFILE that most programs have: other programs of the user send files, too. */
#define WAITING_FILES 512u
#define WAITING_LEAST \
	2u /* VAIN_MIN of opens_queue.c: fewer are not worth a helper, and none is opened ahead */

uint32_t opens_limit(const struct rawcache *cache)
{
	uint32_t processes = 1;
	uint32_t limit;

	/* an image that is read only may have no segment: the others cannot be counted */
	if (!cache->runtime.header)
		return 0;
	/* all that use the image may open ahead; those that have died count until someone folds them */
	for (uint32_t i = 0; i < process_high(cache); i++)
		processes += load_relaxed(&cache->runtime.slots[i].used);
	limit = WAITING_FILES / processes;
	return limit < WAITING_LEAST ? 0 : limit;
}
