/* SPDX-License-Identifier: MIT */
#include "cli/summary.h"

#include "cli/advice.h"
#include "cli/say.h"
#include "cli/text.h"

#define REASONS_SHOWN 3 /* `rawcache stat` shows all */

/* The largest ones. */
static void reasons_print(const struct rawcache_stats *stats)
{
	unsigned int reasons[RAWCACHE_REASON_COUNT];
	unsigned int count = advice_reasons(stats, reasons);

	for (unsigned int i = 0; i < count && i < REASONS_SHOWN; i++) {
		const char *advice = advice_of(reasons[i]);

		say_note("%llu past the cache: %s%s%s",
			 (unsigned long long)rawcache_passthrough(stats, reasons[i]),
			 rawcache_reason_text(reasons[i]), advice ? "; " : "",
			 advice ? advice : "");
	}
}

static void mappings_print(const struct rawcache_stats *gained)
{
	char ratio[TEXT_LENGTH], cached[TEXT_LENGTH], origin[TEXT_LENGTH];

	say_note(
		"mappings: %s are the cache's pages, %s the origin's, ratio %s%s",
		text_bytes(gained->mapped_bytes, cached),
		text_bytes(gained->mapped_origin_bytes, origin),
		text_ratio(gained->mapped_bytes, gained->mapped_origin_bytes, ratio),
		gained->mapped_origin_bytes ?
			"; those were not cached when they were mapped, or others needed the space: a larger "
			"image holds more" :
			"");
}

void summary_print(const struct rawcache_stats *gained)
{
	char ratio[TEXT_LENGTH], cached[TEXT_LENGTH], origin[TEXT_LENGTH];

	say_note("%llu hits, %llu misses, hit ratio %s; %s from the cache, %s from the origin",
		 (unsigned long long)gained->hits, (unsigned long long)gained->misses,
		 text_ratio(gained->hits, gained->misses, ratio),
		 text_bytes(gained->hit_bytes, cached), text_bytes(gained->origin_bytes, origin));
	if (gained->mapped_bytes || gained->mapped_origin_bytes)
		mappings_print(gained);
	reasons_print(gained);
}
