/* SPDX-License-Identifier: MIT */
/* The servers of the tier, its secret, and whether its data sets are the same on all machines. */

#include <rawcache/embed.h>

#include "cli/doctor.h"

/* What this machine has found out. */
static void state_look(const struct rawcache_options *options, struct rawcache *cache)
{
	struct rawcache_tier_server server = { .why = NULL };
	uint32_t n;

	for (n = 0; !rawcache_tier_state(cache, options, n, &server); n++)
		if (server.left_ms)
			doctor_warn("the tier's server %s failed: it is asked again in %.1f s",
				    server.name, (double)server.left_ms / 1e3);
	if (n && server.differing)
		doctor_warn(
			"%u of the tier's data sets differ from machine to machine, and are not shared any more: "
			"make them the same, then `rawcache tier bump`",
			server.differing);
}

void doctor_tier(struct doctor *doctor)
{
	struct rawcache_tier_server server = { .why = NULL };
	struct rawcache_options options;
	enum rawcache_reason reason;
	struct rawcache *cache;
	uint32_t n;
	int err;

	target_options(&doctor->target.config, &options);
	if (!options.tier || !*options.tier || options.tier_mode == RAWCACHE_TIER_OFF)
		return;
	/* reads go on without it: nothing here is a failure */
	for (n = 0; !(err = rawcache_tier_check(&options, n, &server)); n++) {
		if (server.why)
			doctor_warn("the tier's server %s: %s", server.name, server.why);
		else
			doctor_ok("the tier's server %s takes a chunk and gives it back",
				  server.name);
	}
	if (!n)
		doctor_warn("RAWCACHE_TIER is refused: %s", server.why);
	if (target_try(&doctor->target, TARGET_LOOK, &cache, &reason))
		return;
	state_look(&options, cache);
	rawcache_detach(cache);
}
