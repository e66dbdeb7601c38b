/* SPDX-License-Identifier: MIT */
/*
 * The dynamic loader that a program asks for, without libelf, which may be configured away: `run` needs it.
 */
#ifndef CLI_INTERPRETER_H
#define CLI_INTERPRETER_H

#include <limits.h>
#include <stdbool.h>

/* Empty when the program is static. 0; -ENOEXEC: no ELF file of this byte order, or damaged; or -errno. */
int interpreter_find(const char *path, char interpreter[PATH_MAX]);

/* Whether it is musl's, which cannot load objects that need glibc. */
bool interpreter_is_musl(const char *interpreter);

#endif
