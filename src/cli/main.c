/* SPDX-License-Identifier: MIT */
/*
 * rawcache: makes, uses, watches and empties a raw-disk cache.
 *
 * This file finds the command and checks at the end that its output reached its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/say.h"
#include "cli/version.h"

/* What `run` takes, mostly for paths; see memory_expect(). The kernel has mapped three times as much for the stack. */
#define STACK_EXPECTED 40960u

int command_unknown(const char *name)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (size_t i = 0; commands[i]; i++)
		nearest_offer(&nearest, commands[i]->name);
	if (nearest.best)
		say_refusal("unknown command %s; did you mean `rawcache %s`?", name, nearest.best);
	else
		say_refusal("unknown command %s; `rawcache help` lists them", name);
	return STATUS_USAGE;
}

int command_usage(const struct command *command)
{
	fputs(command->help, stdout);
	return STATUS_OK;
}

/* Options before the command: there are only these two. */
static int global_option(const char *option)
{
	char *help[] = { "help", NULL };

	if (!strcmp(option, "--help") || !strcmp(option, "-h"))
		return command_help.run(1, help);
	if (!strcmp(option, "--version") || !strcmp(option, "-V"))
		return version_print();
	say_refusal("unknown option %s before the command; `rawcache help` lists the commands",
		    option);
	return STATUS_USAGE;
}

static int dispatch(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		say_refusal("no command given; `rawcache help` lists them");
		return STATUS_USAGE;
	}
	if (argv[1][0] == '-')
		return global_option(argv[1]);
	command = command_find(argv[1]);
	if (!command)
		return command_unknown(argv[1]);
	return command->run(argc - 1, argv + 1);
}

/*
 * If a command is started with a standard descriptor closed, an image must not get that number, or the
 * command would print into it. What is opened in its place cannot be used, and a program that `run`
 * executes finds it closed again.
 */
static void descriptors_reserve(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", flags | O_CLOEXEC) != fd)
			_exit(STATUS_REFUSED);
	}
}

/* A page of the image cannot be read: its disk fails, or it was truncated. */
static void image_unreadable(int sig)
{
	static const char text[] =
		"rawcache: a part of the image cannot be read: its disk fails; make an image elsewhere\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(STATUS_REFUSED);
	_exit(STATUS_REFUSED);
}

int main(int argc, char **argv)
{
	int status;

	memory_expect((char *)__builtin_frame_address(0) - STACK_EXPECTED, STACK_EXPECTED, true);
	descriptors_reserve();
	signal(SIGBUS, image_unreadable);
	status = dispatch(argc, argv);
	if ((fflush(stdout) || ferror(stdout)) && !status)
		return say_refusal(
			"cannot write the output: %s; see that there is room, and that its reader lives",
			strerror(errno));
	return status;
}
