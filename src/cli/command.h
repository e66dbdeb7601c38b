/* SPDX-License-Identifier: MIT */
/*
 * The commands of `rawcache`. Each lives in a cmd_NAME.c of its own and exports one struct;
 * commands.c has the list.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

enum {
	STATUS_OK = 0,
	STATUS_REFUSED = 1,	 /* cannot be done; said on stderr */
	STATUS_USAGE = 2,	 /* called wrongly; said on stderr */
	STATUS_CANNOT_RUN = 126, /* as env(1): found, but cannot be executed */
	STATUS_NOT_FOUND = 127,
};

/* What option parsers return when the command shall go on instead of ending with a status. */
#define GO_ON (-1)

/* What follows the options; completions are made from it. */
enum operands { OPERANDS_NONE, OPERANDS_FILES, OPERANDS_PROGRAM, OPERANDS_COMMAND };

struct option;

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns a status */
	const struct option *options;	   /* as getopt_long() takes them */
	enum operands operands;
	const char *summary; /* one line for the list of commands */
	const char *help;    /* usage, options, an example */
};

extern const struct command command_run;
extern const struct command command_setup;
extern const struct command command_stat;
extern const struct command command_top;
extern const struct command command_info;
extern const struct command command_format;
extern const struct command command_ls;
extern const struct command command_du;
extern const struct command command_warm;
extern const struct command command_verify;
extern const struct command command_drop;
extern const struct command command_set;
extern const struct command command_explain;
extern const struct command command_doctor;
extern const struct command command_export;
extern const struct command command_thaw;
extern const struct command command_tier;
extern const struct command command_help;

extern const struct command *const commands[]; /* NULL ends it */

/* NULL when there is none. */
const struct command *command_find(const char *name);

/* Say that there is no such command, naming the nearest one. */
int command_unknown(const char *name);

/* Print the command's help text on standard output. */
int command_usage(const struct command *command);

#endif
