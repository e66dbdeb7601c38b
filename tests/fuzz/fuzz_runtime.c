/* SPDX-License-Identifier: MIT */
/*
 * A runtime segment that somebody scribbles over: slots, counters, flights, writers and the
 * plain fields of the header. The locks are left alone: what glibc does with a mutex of other
 * bytes is nobody's to say, and who can write them can also hold them.
 */
#include <string.h>

#include "fuzz.h"
#include "fuzz_engine.h"

static void header_fuzz(struct runtime_header *h, const uint8_t *data, size_t n)
{
	char *fields = (char *)&h->visits_count;

	fuzz_overlay(data, n, fields, (size_t)((char *)&h->region_lock - fields), 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rawcache *cache = fuzz_cache();
	struct runtime *r = &cache->runtime;

	if (!n)
		return 0;
	switch (data[0] % 6) {
	case 0:
		header_fuzz(r->header, data + 1, n - 1);
		break;
	case 1:
		fuzz_overlay(data + 1, n - 1, r->slots, RUNTIME_SLOTS * sizeof(*r->slots), 64);
		break;
	case 2:
		fuzz_overlay(data + 1, n - 1, r->blocks, RUNTIME_BLOCKS * sizeof(*r->blocks), 64);
		break;
	case 3:
		fuzz_overlay(data + 1, n - 1, r->flights, RUNTIME_FLIGHTS * sizeof(*r->flights), 4);
		break;
	case 4:
		fuzz_overlay(data + 1, n - 1, r->ghosts, r->ghost_count * sizeof(*r->ghosts), 8);
		break;
	default:
		fuzz_overlay(data + 1, n - 1, r->writers, RUNTIME_WRITERS * sizeof(*r->writers), 4);
		break;
	}
	fuzz_use(cache, true);
	return 0;
}
