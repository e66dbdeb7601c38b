/* SPDX-License-Identifier: MIT */
/* One look at the statistics of an image and of the processes that use it. */
#ifndef CLI_SAMPLE_H
#define CLI_SAMPLE_H

#include <rawcache/embed.h>

#include "cli/target.h"

struct sample {
	uint64_t when;			  /* monotonic ns */
	struct rawcache_image_info image; /* without the used_ fields */
	struct rawcache_stats total;
	struct rawcache_process *processes;
	size_t count;
	struct rawcache_tier_server *servers; /* of the tier, if there is one */
	size_t server_count;
};

/*
 * Attach for one look only: a watcher that stayed attached without a slot would go on reading the old
 * segment when the last process leaves and the next makes a new one. GO_ON or a status; on GO_ON owes
 * sample_free().
 */
int sample_take(const struct target *target, struct sample *sample);

/* The same without a message: 0, or -errno and the reason. */
int sample_try(const struct target *target, struct sample *sample, enum rawcache_reason *reason);
void sample_free(struct sample *sample);

#endif
