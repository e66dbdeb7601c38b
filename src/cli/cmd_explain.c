/* SPDX-License-Identifier: MIT */
/* rawcache explain: whether a file is read from the cache, why not, and how much of it is there. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/advice.h"
#include "cli/command.h"
#include "cli/explain_names.h"
#include "cli/json.h"
#include "cli/option.h"
#include "cli/pathlist.h"
#include "cli/preload.h"
#include "cli/say.h"
#include "cli/subject.h"
#include "cli/table.h"
#include "cli/target.h"
#include "cli/text.h"

#define KEY_LENGTH 33 /* two numbers of 16 digits, and the end */

struct explain_asked {
	const char *cache;
	bool json;
	bool names; /* explain directories, not files */
	struct pathlist paths;
	struct target target;
	struct rawcache_options tier;
	struct subject_view view;
	struct json out;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "path", required_argument, NULL, 'p' },
	{ "exclude", required_argument, NULL, 'x' },
	{ "names", no_argument, NULL, 'n' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int explain_option(struct explain_asked *explain, int c, char **argv)
{
	switch (c) {
	case 'c':
		explain->cache = optarg;
		return GO_ON;
	case 'p':
		return pathlist_add(&explain->paths, optarg, false, "--path");
	case 'x':
		return pathlist_add(&explain->paths, optarg, true, "--exclude");
	case 'n':
		explain->names = true;
		return GO_ON;
	case 'j':
		explain->json = true;
		return GO_ON;
	default:
		return option_rest(&command_explain, c, argv, longs);
	}
}

static int explain_parse(struct explain_asked *explain, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:p:x:njh", longs)) != -1)
		status = explain_option(explain, c, argv);
	if (status == GO_ON && optind == argc)
		return say_usage("explain", "no file named; give the files to explain");
	return status;
}

/* Without the image the rest is still worth telling: why it is missing becomes the reason. */
static void image_attach(struct explain_asked *explain)
{
	if (target_try(&explain->target, TARGET_LOOK, &explain->view.cache, &explain->view.reason))
		explain->view.cache = NULL;
}

static int explain_prepare(struct explain_asked *explain)
{
	const struct config *config = &explain->target.config;
	int status = pathlist_add_list(&explain->paths, config->paths, "RAWCACHE_PATHS");

	if (status != GO_ON)
		return status;
	explain->view.paths = explain->paths.included ? explain->paths.text : NULL;
	explain->view.disabled = config->disable;
	target_options(config, &explain->tier);
	explain->view.tier = explain->tier.tier && *explain->tier.tier ? &explain->tier : NULL;
	image_attach(explain);
	return GO_ON;
}

/* --- for people */

static void fact_show(struct table *table, const char *name, const char *value)
{
	table_line(table);
	table_cell(table, "%s", name);
	table_cell(table, "%s", value);
}

static char *key_text(const struct rawcache_file_state *state, char *text)
{
	snprintf(text, KEY_LENGTH, "%016llx%016llx", (unsigned long long)state->key[0],
		 (unsigned long long)state->key[1]);
	return text;
}

static void verdict_fact(struct table *table, const struct subject *subject)
{
	const char *advice = advice_of_file(subject->reason);

	table_line(table);
	table_cell(table, "served");
	if (!subject->reason)
		table_cell(table, "yes");
	else
		table_cell(table, "no (%s): %s%s%s", rawcache_reason_name(subject->reason),
			   rawcache_reason_text(subject->reason), advice ? "; " : "",
			   advice ? advice : "");
	if (!subject->reason && !access(subject->path, W_OK))
		fact_show(table, "for writing", ADVICE_WRITERS);
}

static void place_fact(struct table *table, const struct subject *subject)
{
	table_line(table);
	table_cell(table,
		   subject->reason == RAWCACHE_REASON_excluded ? "excluded by" : "directory");
	if (subject->dir_length)
		table_cell(table, "%.*s", (int)subject->dir_length, subject->dir);
	else
		table_cell(table, "-");
}

static void change_fact(struct table *table, const struct explain_asked *explain,
			const struct subject *subject)
{
	uint64_t settles = subject->changed + explain->target.config.settle_ms * UINT64_C(1000000);
	uint64_t now = clock_file_ns();
	char text[TEXT_LENGTH];

	table_line(table);
	table_cell(table, "last change");
	text_time(subject->changed / 1000000000u, text);
	if (settles > now && subject->reason == RAWCACHE_REASON_unsettled)
		table_cell(table, "%s, settles in %.1f s", text, (double)(settles - now) / 1e9);
	else
		table_cell(table, "%s", text);
}

static void cached_facts(struct table *table, const struct rawcache_file_state *state)
{
	char cached[TEXT_LENGTH], size[TEXT_LENGTH], ratio[TEXT_LENGTH], key[KEY_LENGTH];

	fact_show(table, "key", key_text(state, key));
	table_line(table);
	table_cell(table, "cached");
	table_cell(table, "%s of %s (%s), %llu of %llu chunks wholly",
		   text_bytes(state->bytes_cached, cached), text_bytes(state->size, size),
		   text_ratio(state->bytes_cached, state->size - state->bytes_cached, ratio),
		   (unsigned long long)state->chunks_cached, (unsigned long long)state->chunks);
	if (state->stored)
		fact_show(table, "stored since", text_time(state->stored, cached));
}

static char *tier_key_text(const struct subject *subject, char *text)
{
	for (size_t i = 0; i < sizeof(subject->tier.key); i++)
		snprintf(text + 2 * i, 3, "%02x", subject->tier.key[i]);
	return text;
}

static void tier_fact(struct table *table, const struct subject *subject)
{
	char key[KEY_LENGTH];

	table_line(table);
	table_cell(table, "tier");
	if (subject->tier_why)
		table_cell(table, "no: %s", subject->tier_why);
	else
		table_cell(table, "data set %s; its first chunk is %s on %s",
			   subject->tier.data_set, tier_key_text(subject, key),
			   subject->tier.server);
}

static int subject_print(const struct explain_asked *explain, const struct subject *subject)
{
	static const struct table_column columns[] = { { "NAME", TABLE_LEFT },
						       { "VALUE", TABLE_LEFT } };
	struct table *table = table_new(columns, ARRAY_SIZE(columns), false);
	char text[TEXT_LENGTH];

	fact_show(table, "file", subject->path);
	verdict_fact(table, subject);
	place_fact(table, subject);
	fact_show(table, "image", explain->target.path);
	if (subject->regular) {
		fact_show(table, "size", text_bytes(subject->size, text));
		change_fact(table, explain, subject);
	}
	if (subject->state.chunks)
		cached_facts(table, &subject->state);
	if (explain->view.tier && !subject->reason)
		tier_fact(table, subject);
	return table_print(table);
}

/* --- for programs */

static void state_members(struct json *json, const struct rawcache_file_state *state)
{
	char key[KEY_LENGTH];

	json_string(json, "key", key_text(state, key));
	json_number(json, "chunk_size", state->chunk_size);
	json_number(json, "chunks", state->chunks);
	json_number(json, "cached_chunks", state->chunks_cached);
	json_number(json, "cached_bytes", state->bytes_cached);
	json_number(json, "stored", state->stored);
}

static void tier_json(struct json *json, const struct subject *subject)
{
	char key[KEY_LENGTH];

	json_open(json, "tier", '{');
	json_boolean(json, "shared", !subject->tier_why);
	if (subject->tier_why) {
		json_string(json, "text", subject->tier_why);
	} else {
		json_string(json, "data_set", subject->tier.data_set);
		json_string(json, "server", subject->tier.server);
		json_string(json, "key", tier_key_text(subject, key));
	}
	json_close(json, '}');
}

static void subject_json(struct json *json, const struct subject *subject, bool tier)
{
	char dir[PATH_MAX];

	json_open(json, NULL, '{');
	json_string(json, "path", subject->path);
	json_boolean(json, "served", !subject->reason);
	json_string(json, "reason", rawcache_reason_name(subject->reason));
	json_string(json, "text", rawcache_reason_text(subject->reason));
	if (subject->dir_length) {
		snprintf(dir, sizeof(dir), "%.*s", (int)subject->dir_length, subject->dir);
		json_string(json, "directory", dir);
	}
	json_boolean(json, "regular", subject->regular);
	json_number(json, "size", subject->size);
	json_number(json, "changed", subject->changed / 1000000000u);
	if (subject->state.chunks)
		state_members(json, &subject->state);
	if (tier && !subject->reason)
		tier_json(json, subject);
	json_close(json, '}');
}

static void explain_begin(struct explain_asked *explain)
{
	json_document(&explain->out, stdout);
	json_open(&explain->out, "image", '{');
	json_string(&explain->out, "path", explain->target.path);
	json_string(&explain->out, "reason", rawcache_reason_name(explain->view.reason));
	json_close(&explain->out, '}');
	json_open(&explain->out, "files", '[');
}

static void explain_end(struct explain_asked *explain)
{
	json_close(&explain->out, ']');
	json_document_end(&explain->out);
}

/* --- */

/* The worst of the files decides: 0 when all are served. */
static int explain_one(struct explain_asked *explain, const char *name, bool first)
{
	struct subject subject;
	int err = subject_examine(&subject, name, &explain->view);
	int status = STATUS_OK;

	if (err)
		return say_refusal("cannot open %s: %s; name a file that this user may read", name,
				   strerror(-err));
	if (explain->json) {
		subject_json(&explain->out, &subject, explain->view.tier);
	} else {
		if (!first)
			putchar('\n');
		status = subject_print(explain, &subject);
	}
	return subject.reason ? STATUS_REFUSED : status;
}

static int explain_all(struct explain_asked *explain, char **names)
{
	int worst = STATUS_OK;

	if (explain->json)
		explain_begin(explain);
	if (explain->names)
		worst = explain_names(&explain->target, explain->view.paths,
				      explain->json ? &explain->out : NULL, names);
	for (char **name = names; *name && !explain->names; name++) {
		int status = explain_one(explain, *name, name == names);

		worst = status > worst ? status : worst;
	}
	if (explain->json)
		explain_end(explain);
	return worst;
}

static int explain_main(int argc, char **argv)
{
	struct explain_asked explain = { 0 };
	int status = explain_parse(&explain, argc, argv);

	if (status == GO_ON)
		status = target_open(&explain.target, explain.cache);
	if (status == GO_ON) {
		preload_judge(NULL);
		status = explain_prepare(&explain);
		if (status == GO_ON)
			status = explain_all(&explain, argv + optind);
		rawcache_detach(explain.view.cache);
		target_close(&explain.target);
	}
	pathlist_fini(&explain.paths);
	return status;
}

/* clang-format off */
const struct command command_explain = {
	.name = "explain",
	.run = explain_main,
	.options = longs,
	.operands = OPERANDS_FILES,
	.summary = "tell whether and why a file is cached or not",
	.help =
		"Usage: rawcache explain [OPTION]... FILE...\n"
		"       rawcache explain --names [OPTION]... DIR...\n"
		"\n"
		"Tell whether a program that opens FILE for reading is served from the cache, and if\n"
		"not, why; under which key its present state is cached, and how much of it is; with\n"
		"RAWCACHE_TIER, whether it is shared, and by which server. The\n"
		"status is 0 when all files are served, else 1.\n"
		"\n"
		"  -n, --names        of directories: whether names that do not exist are remembered\n"
		"                     (RAWCACHE_NAMES), and why not\n"
		"  -p, --path DIR     besides RAWCACHE_PATHS, cache the files below DIR\n"
		"  -x, --exclude DIR  but not those below DIR\n"
		"  -c, --cache IMAGE  image file or block device; default RAWCACHE_DEVICE, else\n"
		"                     ~/.cache/rawcache/cache.img\n"
		"      --profile NAME with the settings that `rawcache setup NAME` wrote\n"
		"  -j, --json         as JSON\n"
		"  -h, --help         this text\n"
		"\n"
		"  rawcache explain --path /mnt/nfs /mnt/nfs/data/part-0001\n",
};
/* clang-format on */
