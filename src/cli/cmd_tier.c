/* SPDX-License-Identifier: MIT */
/* rawcache tier: the memcached servers through which machines share what they have read. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rawcache/embed.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/report.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/tierepoch.h"
#include "cli/tierlist.h"

struct tier_options {
	const char *cache;
	bool json;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "tier", required_argument, NULL, 'R' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int tier_parse(struct tier_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:jh", longs)) != -1) {
		if (c == 'c')
			options->cache = optarg;
		else if (c == 'R')
			status = tierlist_take("tier", optarg);
		else if (c == 'j')
			options->json = true;
		else
			status = option_rest(&command_tier, c, argv, longs);
	}
	return status;
}

static int tier_configure(struct config *config, struct rawcache_options *engine)
{
	if (config_load(config, NULL, NULL) < 0)
		return say_memory();
	target_options(config, engine);
	if (!engine->tier)
		return say_usage(
			"tier",
			"there is no tier; name its servers with --tier or in RAWCACHE_TIER");
	return GO_ON;
}

static void checked_print(struct json *json, const struct rawcache_tier_server *server)
{
	if (!json) {
		printf("%s: good, %.1f ms\n", server->name, (double)server->took_ns / 1e6);
		return;
	}
	json_open(json, NULL, '{');
	json_string(json, "name", server->name);
	json_boolean(json, "good", !server->why);
	json_string(json, "text", server->why ? server->why : "");
	json_number(json, "took", server->why ? 0 : server->took_ns);
	json_close(json, '}');
}

/* Into the array of `json`, or if that is NULL for people. */
static int tier_check(const struct rawcache_options *engine, struct json *json)
{
	struct rawcache_tier_server server;
	int status = STATUS_OK;
	uint32_t n;
	int err;

	for (n = 0; !(err = rawcache_tier_check(engine, n, &server)); n++) {
		if (server.why)
			status = say_refusal("%s: %s", server.name, server.why);
		if (!server.why || json)
			checked_print(json, &server);
	}
	return err == -ENOENT && n ? status : tierlist_refused(server.why);
}

static void state_print(struct json *json, const struct rawcache_tier_server *server)
{
	if (json) {
		report_tier_json(json, server);
		return;
	}
	if (server->left_ms)
		printf("%s: failed; it is asked again in %.1f s", server->name,
		       (double)server->left_ms / 1e3);
	else
		printf("%s: %s", server->name,
		       server->leases_left_ms ? "asked; nobody waits for its leases" : "asked");
	if (server->answer_us)
		printf("; an answer takes %.1f ms", (double)server->answer_us / 1e3);
	if (server->error)
		printf("; the last error: %s", strerror(-server->error));
	printf("\n");
}

/* Programs have these from `rawcache stat --json`. */
static void total_print(const struct rawcache_tier_server *last, struct rawcache *cache)
{
	struct rawcache_stats total;

	if (last->differing)
		printf("%" PRIu32
		       " data sets differ from machine to machine and are not shared; see `rawcache tier bump`\n",
		       last->differing);
	if (!rawcache_stats_total(cache, &total, sizeof(total)))
		printf("%" PRIu64 " questions, %" PRIu64 " chunks had, %" PRIu64 " put, %" PRIu64
		       " late answers, %" PRIu64 " bad values\n",
		       total.tier_gets, total.tier_hits, total.tier_puts, total.tier_timeouts,
		       total.tier_bad);
}

static int tier_status(const struct tier_options *options, const struct rawcache_options *engine,
		       struct json *json)
{
	struct rawcache_tier_server server = { .why = NULL };
	struct rawcache *cache;
	struct target target;
	int status = target_open(&target, options->cache);
	uint32_t n;
	int err;

	if (status != GO_ON)
		return status;
	status = target_attach(&target, TARGET_LOOK, &cache);
	target_close(&target);
	if (status != GO_ON)
		return status;
	for (n = 0; !(err = rawcache_tier_state(cache, engine, n, &server)); n++)
		state_print(json, &server);
	if (n && !json)
		total_print(&server, cache);
	rawcache_detach(cache);
	return n ? STATUS_OK : tierlist_refused(server.why ? server.why : strerror(-err));
}

/* check or status */
static int tier_tell(const struct tier_options *options, const struct rawcache_options *engine,
		     bool check)
{
	struct json json;
	int status;

	if (options->json) {
		json_document(&json, stdout);
		json_open(&json, "servers", '[');
	}
	status = check ? tier_check(engine, options->json ? &json : NULL) :
			 tier_status(options, engine, options->json ? &json : NULL);
	if (options->json) {
		json_close(&json, ']');
		json_document_end(&json);
	}
	return status;
}

static int tier_main(int argc, char **argv)
{
	struct tier_options options = { NULL, false };
	struct rawcache_options engine;
	struct config config;
	const char *what, *name = NULL;
	int status = tier_parse(&options, argc, argv);

	if (status != GO_ON)
		return status;
#ifndef ENABLE_TIER
	return say_refusal(
		"tier: this rawcache was built without the tier (--without-tier); install one that has it");
#endif
	what = optind < argc ? argv[optind] : "status";
	if (!strcmp(what, "bump") && optind + 1 < argc)
		name = argv[++optind];
	if (optind + 1 < argc)
		return say_usage("tier", "%s is too much; give one of status, check and bump NAME",
				 argv[optind + 1]);
	status = tier_configure(&config, &engine);
	if (status != GO_ON)
		return status;
	if (!strcmp(what, "check"))
		status = tier_tell(&options, &engine, true);
	else if (!strcmp(what, "bump"))
		status = tierepoch_bump(&engine, name);
	else if (!strcmp(what, "status"))
		status = tier_tell(&options, &engine, false);
	else
		status = say_usage("tier", "there is no %s; it is one of status, check and bump",
				   what);
	config_free(&config);
	return status;
}

/* clang-format off */
const struct command command_tier = {
	.name = "tier",
	.run = tier_main,
	.options = longs,
	.summary = "look after the servers that machines share what they read by",
	.help =
		"Usage: rawcache tier [OPTION]... [status|check|bump [NAME]]\n"
		"\n"
		"The tier is a set of memcached servers by which machines share what they have read of\n"
		"one data set: see docs/tier.md. RAWCACHE_TIER, RAWCACHE_TIER_KEY and\n"
		"RAWCACHE_TIER_NAME say where it is, and with whom.\n"
		"\n"
		"  status  what this machine thinks of each server, and what the tier did\n"
		"  check   put a value into each server and get it back; tell of a wrong secret\n"
		"  bump    use nothing that is in the tier now: raise the number beside the secret;\n"
		"          with NAME for this data set only\n"
		"\n"
		"  -c, --cache IMAGE    image whose machine's state is shown (RAWCACHE_DEVICE)\n"
		"      --profile NAME   with the settings that `rawcache setup NAME` wrote\n"
		"      --tier SERVERS   HOST:PORT or unix:PATH, separated by commas (RAWCACHE_TIER)\n"
		"  -j, --json           of status and check: for programs\n"
		"  -h, --help           this text\n"
		"\n"
		"  rawcache tier check --tier cache1:11211,cache2:11211\n",
};
/* clang-format on */
