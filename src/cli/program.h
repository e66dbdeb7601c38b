/* SPDX-License-Identifier: MIT */
/* Which file a command line runs, found as the kernel and execvp() find it. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#define SCRIPT_DEPTH 5	/* scripts run by scripts that are followed */
#define SCRIPT_LINE 256 /* bytes of a script's first line that the kernel looks at */

/* The file that `name` runs, looked for in PATH. False: there is none that may be executed. */
bool program_find(const char *name, char path[PATH_MAX]);

/* Whether it needs musl's loader; scripts are followed to their interpreter. */
bool program_is_musl(const char *name);

/* What the first line of a script says. */
struct script {
	char line[SCRIPT_LINE];
	const char *interpreter; /* NULL: none is named */
	const char *program;	 /* the interpreter, or what env(1) runs in its place */
};

/* False when the file does not begin with #!; its first bytes are in script->line. */
bool script_read(struct script *script, const char *path);

/* The last part of a path. */
const char *program_base(const char *path);

#endif
