/* SPDX-License-Identifier: MIT */
#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/text.h"

static bool holding;
static char *said_held;

void say_hold(bool hold)
{
	holding = hold;
	if (hold || !said_held)
		return;
	fputs(said_held, stderr);
	free(said_held);
	said_held = NULL;
}

/* `kind` and `end` surround the sentence. */
static void say(const char *kind, const char *format, va_list ap, const char *end)
{
	char *text, *line;
	int n;

	if (vasprintf(&text, format, ap) < 0)
		return;
	text_clean(text);
	n = asprintf(&line, "rawcache: %s%s%s", kind, text, end);
	free(text);
	if (n < 0)
		return;
	if (holding) {
		free(said_held);
		said_held = line;
		return;
	}
	fputs(line, stderr);
	free(line);
}

int say_refusal(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("", format, ap, "\n");
	va_end(ap);
	return STATUS_REFUSED;
}

int say_memory(void)
{
	return say_refusal(
		"there is not enough memory; end other programs, or raise the limit (ulimit -v)");
}

int say_usage(const char *command, const char *format, ...)
{
	char kind[32];
	va_list ap;

	snprintf(kind, sizeof(kind), "%s: ", command);
	va_start(ap, format);
	say(kind, format, ap, "\n");
	va_end(ap);
	return STATUS_USAGE;
}

void say_warning(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("warning: ", format, ap, "\n");
	va_end(ap);
}

void say_note(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("", format, ap, "\n");
	va_end(ap);
}

bool say_ask(const char *format, ...)
{
	char answer[16];
	va_list ap;

	if (!isatty(STDIN_FILENO))
		return false;
	va_start(ap, format);
	say("", format, ap, " [y/N] ");
	va_end(ap);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}
