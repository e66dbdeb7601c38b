/* SPDX-License-Identifier: MIT */
#include "cli/completion.h"

#include <ctype.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "cli/command.h"

/* What the value of an option can be; an option that is not here takes something else. */
enum kind { KIND_ANY, KIND_FILE, KIND_DIRECTORY, KIND_PROFILE, KIND_WORDS };

struct value {
	const char *option;
	enum kind kind;
	const char *words;
};

/* What the help text says of an option. */
struct told {
	char letter; /* 0: none */
	char text[128];
};

static const struct value *value_find(const char *option)
{
	static const struct value values[] = {
		{ "cache", KIND_FILE, "" },
		{ "log", KIND_FILE, "" },
		{ "path", KIND_DIRECTORY, "" },
		{ "exclude", KIND_DIRECTORY, "" },
		{ "profile", KIND_PROFILE, "" },
		{ "size", KIND_WORDS, "1G 10G 100G" },
		{ "region", KIND_WORDS, "4M 8M 16M 32M 64M" },
		{ "chunk", KIND_WORDS, "64K 128K 256K" },
		{ "threshold", KIND_WORDS, "auto 4K 64K" },
		{ "sort", KIND_WORDS, "name cached size share time" },
		{ "report", KIND_FILE, "" },
		{ "html", KIND_FILE, "" },
		{ "textfile", KIND_FILE, "" },
	};
	static const struct value any = { "", KIND_ANY, "" };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (!strcmp(values[i].option, option))
			return &values[i];
	return &any;
}

/* The place of the option's "--" in the help text, or NULL. */
static const char *option_place(const char *help, const char *option)
{
	size_t n = strlen(option);

	for (const char *p = strstr(help, "--"); p; p = strstr(p + 2, "--"))
		if (!strncmp(p + 2, option, n) && strchr(" ,\n=[", p[2 + n]) && p > help &&
		    (p[-1] == ' ' && p > help + 1 && (p[-2] == ' ' || p[-2] == ',')))
			return p;
	return NULL;
}

/* The text behind the option, to the end of its first clause; it may go on in the next line. */
static void text_copy(char *to, size_t room, const char *from)
{
	size_t n = 0;

	from += strcspn(from, " ,\n");
	while (!strncmp(from, ", -", 3) || (*from == ' ' && isupper((unsigned char)from[1])))
		from += 1 + strcspn(from + 1, " ,\n"); /* another name of it, and its value */
	for (from += strspn(from, " "); *from && n + 1 < room; from++) {
		if (strchr(";:(", *from) || !strncmp(from, ", ", 2) || !strncmp(from, ". ", 2))
			break;
		if (*from != '\n') {
			to[n++] = *from;
			continue;
		}
		if (strncmp(from + 1, "            ", 12))
			break;
		from += strspn(from + 1, " ");
		to[n++] = ' ';
	}
	while (n && (to[n - 1] == ' ' || to[n - 1] == '.'))
		n--;
	to[n] = '\0';
}

static struct told option_told(const struct command *command, const char *option)
{
	struct told told = { 0 };
	const char *place = option_place(command->help, option);

	if (!place)
		return told;
	if (place - command->help >= 4 && place[-4] == '-' && place[-2] == ',')
		told.letter = place[-3];
	text_copy(told.text, sizeof(told.text), place);
	return told;
}

void completion_options(void)
{
	for (size_t i = 0; commands[i]; i++)
		for (const struct option *o = commands[i]->options; o->name; o++)
			printf("%s --%s\n", commands[i]->name, o->name);
}

/* Options that no help text mentions are not for users. */
static bool option_hidden(const struct command *command, const struct option *o)
{
	return strcmp(o->name, "help") && !option_place(command->help, o->name);
}

/* --- bash */

void completion_bash_options(void)
{
	for (size_t i = 0; commands[i]; i++) {
		const char *space = "";

		printf("\t[%s]='", commands[i]->name);
		for (const struct option *o = commands[i]->options; o->name; o++) {
			if (option_hidden(commands[i], o))
				continue;
			printf("%s--%s", space, o->name);
			space = " ";
		}
		puts("'");
	}
}

void completion_bash_values(void)
{
	static const char *const kinds[] = { "any", "file", "directory", "profile", "words " };

	for (size_t i = 0; commands[i]; i++) {
		for (const struct option *o = commands[i]->options; o->name; o++) {
			const struct value *value = value_find(o->name);
			struct told told = option_told(commands[i], o->name);

			if (o->has_arg != required_argument || option_hidden(commands[i], o))
				continue;
			printf("\t[%s:--%s]='%s%s'\n", commands[i]->name, o->name,
			       kinds[value->kind], value->words);
			if (told.letter)
				printf("\t[%s:-%c]='%s%s'\n", commands[i]->name, told.letter,
				       kinds[value->kind], value->words);
		}
	}
}

void completion_bash_operands(void)
{
	static const char *const kinds[] = { "none", "files", "program", "command" };

	for (size_t i = 0; commands[i]; i++)
		printf("\t[%s]=%s\n", commands[i]->name, kinds[commands[i]->operands]);
}

/* --- zsh */

/* Within quotes, brackets and colons mean something to _arguments. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			putchar('\\');
		if (*text == '\'')
			fputs("'\\'", stdout);
		putchar(*text);
	}
}

void completion_zsh_commands(void)
{
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t'%s:", commands[i]->name);
		zsh_text(commands[i]->summary);
		puts("'");
	}
}

static void zsh_option(const struct command *command, const struct option *o)
{
	static const char *const kinds[] = { "", "_files", "_files -/", "_rawcache_profiles", "" };
	const struct value *value = value_find(o->name);
	struct told told = option_told(command, o->name);
	bool more = value->kind == KIND_DIRECTORY;
	const char *equals = o->has_arg == required_argument ? "=" : "";

	if (option_hidden(command, o))
		return;
	fputs(" \\\n\t\t\t", stdout);
	if (told.letter && more)
		printf("'*'{-%c+,--%s%s}'[", told.letter, o->name, equals);
	else if (told.letter)
		printf("'(-%c --%s)'{-%c%s,--%s%s}'[", told.letter, o->name, told.letter,
		       *equals ? "+" : "", o->name, equals);
	else
		printf("'--%s%s[", o->name, equals);
	zsh_text(told.text);
	putchar(']');
	if (value->kind == KIND_WORDS && *equals)
		printf(":%s:(%s)", o->name, value->words);
	else if (*equals)
		printf(":%s:%s", o->name, kinds[value->kind]);
	putchar('\'');
}

void completion_zsh(void)
{
	static const char *const operands[] = {
		"",
		"'*:file:_files'",
		"'(-)1:program: _command_names -e' '*::argument: _normal'",
		"'1:command:_rawcache_commands'",
	};

	for (size_t i = 0; commands[i]; i++) {
		printf("\t%s)\n\t\t_arguments -s -S : %s", commands[i]->name,
		       operands[commands[i]->operands]);
		for (const struct option *o = commands[i]->options; o->name; o++)
			zsh_option(commands[i], o);
		puts("\n\t\t;;");
	}
}

/* --- fish */

static void fish_text(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

static void fish_option(const struct command *command, const struct option *o)
{
	static const char *const kinds[] = { "-x", "-r -F", "-x -a '(__fish_complete_directories)'",
					     "-x -a '(__rawcache_profiles)'", "-x" };
	const struct value *value = value_find(o->name);
	struct told told = option_told(command, o->name);

	if (option_hidden(command, o))
		return;
	printf("complete -c rawcache -n '__rawcache_using %s' -l %s", command->name, o->name);
	if (told.letter)
		printf(" -s %c", told.letter);
	if (o->has_arg == required_argument)
		printf(" %s", kinds[value->kind]);
	if (value->kind == KIND_WORDS && o->has_arg == required_argument)
		printf(" -a '%s'", value->words);
	fputs(" -d ", stdout);
	fish_text(told.text);
	putchar('\n');
}

void completion_fish(void)
{
	static const char *const operands[] = { NULL, "-F",
						"-a '(__fish_complete_subcommand --fcs-skip=2)'",
						"-a '(__rawcache_commands)'" };

	for (size_t i = 0; commands[i]; i++) {
		const struct command *command = commands[i];

		printf("complete -c rawcache -n __rawcache_first -a %s -d ", command->name);
		fish_text(command->summary);
		putchar('\n');
		for (const struct option *o = command->options; o->name; o++)
			fish_option(command, o);
		if (operands[command->operands])
			printf("complete -c rawcache -n '__rawcache_using %s' %s\n", command->name,
			       operands[command->operands]);
	}
}
