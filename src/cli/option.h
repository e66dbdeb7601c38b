/* SPDX-License-Identifier: MIT */
/* Options of a command: getopt_long(), with complaints that help. */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <getopt.h>
#include <stdint.h>

#include "cli/command.h"

/*
 * The next option as getopt_long() returns it, -1 after the last. `shorts` begins with ':' or
 * "+:" (the latter stops at the first operand).
 */
int option_next(int argc, char **argv, const char *shorts, const struct option *longs);

/* --profile NAME, for the commands that use an image: a row of their options, which option_rest() takes. */
#define OPTION_PROFILE 0x100
/* clang-format off */
#define OPTION_PROFILE_ROW { "profile", required_argument, NULL, OPTION_PROFILE }
/* clang-format on */

/* For the `default:` of the switch: help was asked for, or the option is wrong. A status. */
int option_rest(const struct command *command, int c, char **argv, const struct option *longs);

/* Complain about the first operand, for commands that take none. */
int option_no_operands(const struct command *command, int argc, char **argv);

/* Values of options; GO_ON, or the status after a complaint. */
int option_size(const struct command *command, const char *option, const char *text,
		uint64_t *size);
int option_count(const struct command *command, const char *option, const char *text,
		 uint64_t *count);
int option_seconds(const struct command *command, const char *option, const char *text,
		   uint64_t *milli);

#endif
