/* SPDX-License-Identifier: MIT */
/*
 * rawcache help. `rawcache help --table TABLE` (for scripts/gen-man, not for users) prints a
 * table of the program as the lines of a manual page or of a shell's completion.
 */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/config.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/figures.h"
#include "cli/option.h"
#include "cli/say.h"

/* clang-format off */
static const struct option longs[] = {
	{ "table", required_argument, NULL, 'm' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static void commands_print(void)
{
	puts("Usage: rawcache COMMAND [OPTION]...\n"
	     "\n"
	     "A cache on a local disk for programs that read from slow file systems.\n"
	     "\n"
	     "Commands:");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
	puts("\n"
	     "`rawcache help COMMAND` explains one. `rawcache --version` tells the version.\n"
	     "\n"
	     "  rawcache run --path /mnt/nfs -- python3 train.py\n"
	     "  rawcache stat");
}

/* Text of a manual page: what troff would take for its own is escaped. */
static void roff_print(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

static void roff_item(const char *name, const char *remark, const char *text)
{
	fputs(".TP\n.B ", stdout);
	roff_print(name);
	if (remark && *remark) {
		fputs("\n(", stdout);
		roff_print(remark);
		putchar(')');
	}
	putchar('\n');
	roff_print(text);
	putchar('\n');
}

static void roff_variables(void)
{
	size_t count;
	const struct config_variable *variables = config_variables(&count);
	char remark[64];

	for (size_t i = 0; i < count; i++) {
		snprintf(remark, sizeof(remark), *variables[i].fallback ? "default: %s" : "%s",
			 variables[i].fallback);
		roff_item(variables[i].name, remark, variables[i].text);
	}
}

static void roff_counters(void)
{
	size_t count;
	const struct rawcache_counter *counters = rawcache_counters(&count);
	const struct figures_latency *latencies;

	for (size_t i = 0; i < count; i++)
		roff_item(counters[i].name, counters[i].unit, counters[i].text);
	latencies = figures_latencies(&count);
	for (size_t i = 0; i < count; i++)
		roff_item(latencies[i].name, "histogram", latencies[i].text);
}

static void roff_reasons(void)
{
	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++)
		if (i != RAWCACHE_REASON_none)
			roff_item(rawcache_reason_name(i), NULL, rawcache_reason_text(i));
}

static int help_table(const char *table)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} tables[] = {
		{ "variables", roff_variables },
		{ "counters", roff_counters },
		{ "reasons", roff_reasons },
		{ "options", completion_options },
		{ "bash-options", completion_bash_options },
		{ "bash-values", completion_bash_values },
		{ "bash-operands", completion_bash_operands },
		{ "zsh-commands", completion_zsh_commands },
		{ "zsh", completion_zsh },
		{ "fish", completion_fish },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (strcmp(tables[i].name, table))
			continue;
		tables[i].print();
		return STATUS_OK;
	}
	say_refusal("there is no table %s; see scripts/gen-man for those that there are", table);
	return STATUS_USAGE;
}

static int help_main(int argc, char **argv)
{
	const struct command *command;
	int c = option_next(argc, argv, ":h", longs);

	if (c == 'm')
		return help_table(optarg);
	if (c != -1)
		return option_rest(&command_help, c, argv, longs);
	if (optind == argc) {
		commands_print();
		return STATUS_OK;
	}
	command = command_find(argv[optind]);
	return command ? command_usage(command) : command_unknown(argv[optind]);
}

/* clang-format off */
const struct command command_help = {
	.name = "help",
	.run = help_main,
	.options = longs,
	.operands = OPERANDS_COMMAND,
	.summary = "explain a command",
	.help =
		"Usage: rawcache help [COMMAND]\n"
		"\n"
		"List the commands, or explain one.\n",
};
/* clang-format on */
