/* SPDX-License-Identifier: MIT */
/* What must hold when all readers and writers are gone. */
#include <sys/wait.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "core/shared/process.h"
#include "remains.h"
#include "support.h"
#include "torture_engine.h"

void check_verify(struct rawcache *cache)
{
	struct rawcache_verify_result result;
	int err = rawcache_verify(cache, &result, NULL, NULL);

	tap_note("%llu extents, %llu MiB, %llu stale", (unsigned long long)result.extents,
		 (unsigned long long)result.bytes >> 20, (unsigned long long)result.stale);
	tap_ok(!err && !result.bad && !result.broken && result.extents,
	       "the image verifies clean (%llu bad, %llu broken)", (unsigned long long)result.bad,
	       (unsigned long long)result.broken);
}

void check_totals(struct rawcache *cache, const struct rawcache_stats *before, uint64_t delivered,
		  uint64_t untold)
{
	struct rawcache_stats now;
	uint64_t counted;

	rawcache_stats_total(cache, &now, sizeof(now));
	counted = now.hit_bytes + now.miss_bytes - before->hit_bytes - before->miss_bytes;
	tap_note("%.0f%% hits, %llu fills, %llu waits, %llu regions recycled, %llu stale retries",
		 100.0 * (double)now.hits / (double)(now.hits + now.misses + 1),
		 (unsigned long long)now.fills, (unsigned long long)now.fill_waits,
		 (unsigned long long)now.evicted_regions, (unsigned long long)now.stale_retries);
	tap_ok(counted >= delivered - delivered / 50 &&
		       counted <= delivered + delivered / 20 + untold,
	       "the totals go on: %llu MiB counted, %llu MiB read",
	       (unsigned long long)counted >> 20, (unsigned long long)delivered >> 20);
	tap_ok(!now.verify_failed && !now.io_errors, "no extent failed its checksum");
}

void check_left(struct rawcache *cache)
{
	unsigned int live = process_reap(cache);

	/* children of killed readers die with them, but a little later */
	for (int i = 0; i < 200 && live > 1; i++) {
		usleep(10000);
		live = process_reap(cache);
	}
	tap_ok(live == 1, "no process but this is attached (%u)", live);
	tap_ok(!pins_left(cache), "no pin is left (%u)", pins_left(cache));
	tap_ok(!flights_left(cache), "no flight is left (%u)", flights_left(cache));
	tap_ok(!locks_left(cache), "no lock is held (%u)", locks_left(cache));
}

void totals_get(struct rawcache_stats *totals)
{
	struct rawcache *cache = attach(image);

	rawcache_stats_total(cache, totals, sizeof(*totals));
	rawcache_detach(cache);
}
