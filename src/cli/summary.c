/* SPDX-License-Identifier: MIT */
#include "cli/summary.h"

#include "cli/figures.h"
#include "cli/say.h"
#include "cli/text.h"

#define REASONS_SHOWN 3

/* What to do about a reason; NULL: nothing, or its text says it. */
static const char *reason_advice(unsigned int reason)
{
	switch (reason) {
	case RAWCACHE_REASON_excluded:
		return "take the exclusion out of --exclude or RAWCACHE_PATHS if these files may be cached";
	case RAWCACHE_REASON_open_mode:
		return "have the program open what it only reads for reading, or mount it read-only";
	case RAWCACHE_REASON_unsettled:
		return "wait until files have not changed for a while, or lower RAWCACHE_SETTLE";
	case RAWCACHE_REASON_changed:
		return "nothing needs to be done if others write these files";
	case RAWCACHE_REASON_special_fs:
		return "RAWCACHE_TRUST=1 on rclone and the like if files do not change; a newer kernel for packed ones";
	case RAWCACHE_REASON_no_image:
		return "make one with `rawcache format`, or see that the sandbox shows it";
	case RAWCACHE_REASON_image_refused:
		return "see `rawcache doctor`; use an image of your own, or RAWCACHE_SHARED=1";
	case RAWCACHE_REASON_runtime_failed:
	case RAWCACHE_REASON_runtime_unreachable:
		return "share /dev/shm, or set RAWCACHE_RUNTIME_DIR to a directory that all see";
	case RAWCACHE_REASON_no_memory:
	case RAWCACHE_REASON_no_fd:
		return "raise the limits (ulimit -v, ulimit -n)";
	case RAWCACHE_REASON_io_error:
		return "look at the disk of the image, and at the kernel's log";
	case RAWCACHE_REASON_busy:
	case RAWCACHE_REASON_full:
		return "use a larger image";
	case RAWCACHE_REASON_loader:
		return "copy programs and their libraries to a local disk";
	case RAWCACHE_REASON_ring:
		return "switch io_uring or native AIO off in the program, if it can read without";
	default:
		return NULL;
	}
}

static unsigned int reason_largest(const uint64_t counts[RAWCACHE_REASON_COUNT])
{
	unsigned int largest = RAWCACHE_REASON_none;

	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++)
		if (counts[i] && (largest == RAWCACHE_REASON_none || counts[i] > counts[largest]))
			largest = i;
	return largest;
}

/* The largest ones; what is outside was not asked for. */
static void reasons_print(const struct rawcache_stats *stats)
{
	uint64_t counts[RAWCACHE_REASON_COUNT] = { 0 };

	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++)
		if (i != RAWCACHE_REASON_none && i != RAWCACHE_REASON_outside)
			counts[i] = rawcache_passthrough(stats, i);
	for (int shown = 0; shown < REASONS_SHOWN; shown++) {
		unsigned int i = reason_largest(counts);
		const char *advice = reason_advice(i);

		if (i == RAWCACHE_REASON_none)
			return;
		say_note("%llu past the cache: %s%s%s", (unsigned long long)counts[i],
			 rawcache_reason_text(i), advice ? "; " : "", advice ? advice : "");
		counts[i] = 0;
	}
}

void summary_print(const struct sample *before, const struct sample *after)
{
	struct rawcache_stats stats;
	char ratio[TEXT_LENGTH], cached[TEXT_LENGTH], origin[TEXT_LENGTH];

	figures_subtract(&stats, &after->total, &before->total);
	say_note("%llu hits, %llu misses, hit ratio %s; %s from the cache, %s from the origin",
		 (unsigned long long)stats.hits, (unsigned long long)stats.misses,
		 text_ratio(stats.hits, stats.misses, ratio), text_bytes(stats.hit_bytes, cached),
		 text_bytes(stats.origin_bytes, origin));
	reasons_print(&stats);
}
