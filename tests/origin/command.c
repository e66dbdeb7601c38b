/* SPDX-License-Identifier: MIT */
/*
 * The commands that are written to the control file.
 *
 * Arguments are separated by single or more blanks; a path prefix is the rest of
 * its line and may contain blanks. README.md describes the commands.
 */
#define _GNU_SOURCE 1
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "faults.h"
#include "pace.h"
#include "parse.h"

/* Takes the next word off *@args; "" at the end. */
static char *word_take(char **args)
{
	char *word = *args + strspn(*args, " \t");
	char *end = word + strcspn(word, " \t");

	*args = end;
	if (*end) {
		*end = '\0';
		*args = end + 1 + strspn(end + 1, " \t");
	}
	return word;
}

static int op_take(char **args, enum op *op)
{
	*op = op_by_name(word_take(args));
	/* "other" is no request that could be told from others. */
	return *op >= OP_OTHER ? -EINVAL : 0;
}

/* "FROM-TO": a range of bytes, for reads and writes. */
static int range_parse(char *text, struct fault *fault)
{
	char *to = strchr(text, '-');

	if (!to || (fault->op != OP_READ && fault->op != OP_WRITE))
		return -EINVAL;
	*to = '\0';
	if (parse_size(text, &fault->from) || parse_size(to + 1, &fault->to))
		return -EINVAL;
	return fault->from < fault->to ? 0 : -EINVAL;
}

/* The optional tail of a fault: [count[@range]] [prefix]. */
static int fault_take_tail(char **args, struct fault *fault)
{
	char *count;
	char *range;

	if (!**args)
		return 0;
	count = word_take(args);
	range = strchr(count, '@');
	if (range) {
		*range = '\0';
		if (fault->kind != FAULT_FAIL || range_parse(range + 1, fault))
			return -EINVAL;
	}
	return parse_count(count, &fault->count);
}

/* The prefix may be written with or without a leading slash. */
static int fault_add(struct fault *fault, const char *prefix)
{
	const char *slash = *prefix && *prefix != '/' ? "/" : "";
	int len = snprintf(fault->prefix, sizeof(fault->prefix), "%s%s", slash, prefix);

	return (size_t)len < sizeof(fault->prefix) ? faults_add(fault) : -EINVAL;
}

static int run_fail(char *args)
{
	struct fault fault = { .kind = FAULT_FAIL };

	if (op_take(&args, &fault.op) || parse_errno(word_take(&args), &fault.err) ||
	    fault_take_tail(&args, &fault))
		return -EINVAL;
	return fault_add(&fault, args);
}

static int run_short(char *args)
{
	struct fault fault = { .kind = FAULT_SHORT };
	uint64_t max;

	if (op_take(&args, &fault.op) || fault.op != OP_READ ||
	    parse_size(word_take(&args), &max) || fault_take_tail(&args, &fault))
		return -EINVAL;
	fault.max = max;
	return fault_add(&fault, args);
}

static int run_stall(char *args)
{
	struct fault fault = { .kind = FAULT_STALL };

	if (op_take(&args, &fault.op))
		return -EINVAL;
	return fault_add(&fault, args);
}

static int run_hold(char *args)
{
	struct fault fault = { .kind = FAULT_HOLD };

	if (op_take(&args, &fault.op) || fault.op != OP_GETATTR)
		return -EINVAL;
	return fault_add(&fault, args);
}

static int run_clear(char *args)
{
	if (*args)
		return -EINVAL;
	faults_clear();
	return 0;
}

static int run_reset(char *args)
{
	if (*args)
		return -EINVAL;
	counters_reset();
	return 0;
}

static int set_latency(enum pace_kind kind, const char *arg)
{
	int64_t ns;

	if (parse_ms(arg, &ns))
		return -EINVAL;
	pace_set_latency(kind, ns);
	return 0;
}

static int run_latency(char *args)
{
	return set_latency(PACE_READ, args);
}

static int run_meta_latency(char *args)
{
	return set_latency(PACE_META, args);
}

static int run_bandwidth(char *args)
{
	uint64_t rate;

	if (parse_size(args, &rate))
		return -EINVAL;
	pace_set_bandwidth(rate);
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(char *args);
} commands[] = {
	{ "reset", run_reset },		{ "clear", run_clear },
	{ "fail", run_fail },		{ "short", run_short },
	{ "stall", run_stall },		{ "hold", run_hold },
	{ "latency", run_latency },	{ "meta-latency", run_meta_latency },
	{ "bandwidth", run_bandwidth },
};

static int line_run(char *line)
{
	size_t len = strlen(line);
	char *name;

	while (len && strchr(" \t\r", line[len - 1]))
		line[--len] = '\0';
	name = word_take(&line);
	if (!*name)
		return 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(line);
	return -EINVAL;
}

int command_run(char *text)
{
	char *line;
	int err = 0;

	while (!err && (line = strsep(&text, "\n")))
		err = line_run(line);
	return err;
}

size_t command_format(char *buf, size_t size)
{
	int len = snprintf(buf, size, "latency %g\nmeta-latency %g\nbandwidth %llu\n",
			   (double)pace_get_latency(PACE_READ) / 1e6,
			   (double)pace_get_latency(PACE_META) / 1e6,
			   (unsigned long long)pace_get_bandwidth());

	return (size_t)len + faults_format(buf + len, size - (size_t)len);
}
