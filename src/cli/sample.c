/* SPDX-License-Identifier: MIT */
#include "cli/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/say.h"

/* Asks again with more room while processes arrive in between. */
static int processes_read(struct rawcache *cache, struct sample *sample)
{
	size_t room = 0;
	int n;

	while ((n = rawcache_stats_processes(cache, sample->processes, sizeof(*sample->processes),
					     room)) > 0 &&
	       (size_t)n > room) {
		struct rawcache_process *more;

		room = (size_t)n + 8;
		more = realloc(sample->processes, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		sample->processes = more;
	}
	sample->count = n > 0 ? (size_t)n : 0;
	return n < 0 ? n : 0;
}

/* What this machine thinks of the tier's servers; a tier that is refused has none, and `rawcache tier` says why. */
static int servers_read(struct rawcache *cache, const struct target *target, struct sample *sample)
{
	struct rawcache_tier_server server, *more;
	struct rawcache_options options;

	target_options(&target->config, &options);
	if (!options.tier || options.tier_mode == RAWCACHE_TIER_OFF)
		return 0;
	while (!rawcache_tier_state(cache, &options, (uint32_t)sample->server_count, &server)) {
		more = realloc(sample->servers, (sample->server_count + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		sample->servers = more;
		more[sample->server_count++] = server;
	}
	return 0;
}

/* Detaches the cache. */
static int sample_read(struct rawcache *cache, const struct target *target, struct sample *sample)
{
	int err;

	sample->when = clock_mono_ns();
	err = rawcache_stats_total(cache, &sample->total, sizeof(sample->total));
	if (!err)
		err = processes_read(cache, sample);
	if (!err)
		err = servers_read(cache, target, sample);
	rawcache_detach(cache);
	if (err)
		sample_free(sample);
	return err;
}

int sample_take(const struct target *target, struct sample *sample)
{
	struct rawcache *cache;
	int status;
	int err;

	memset(sample, 0, sizeof(*sample));
	status = target_info(target, &sample->image);
	if (status == GO_ON)
		status = target_attach(target, TARGET_LOOK, &cache);
	if (status != GO_ON)
		return status;
	err = sample_read(cache, target, sample);
	return err ? target_failed(target, "read the statistics of", err) : GO_ON;
}

int sample_try(const struct target *target, struct sample *sample, enum rawcache_reason *reason)
{
	struct rawcache *cache;
	int err;

	memset(sample, 0, sizeof(*sample));
	err = target_try(target, TARGET_LOOK, &cache, reason);
	if (err)
		return err;
	*reason = RAWCACHE_REASON_image_refused;
	err = rawcache_image_info(target->path, &sample->image, sizeof(sample->image), NULL, 0);
	if (err)
		rawcache_detach(cache);
	else
		err = sample_read(cache, target, sample);
	return err;
}

void sample_free(struct sample *sample)
{
	free(sample->processes);
	sample->processes = NULL;
	sample->count = 0;
	free(sample->servers);
	sample->servers = NULL;
	sample->server_count = 0;
}
