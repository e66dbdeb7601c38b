/* SPDX-License-Identifier: MIT */
/* The commands that are written to the control file. */
#ifndef ORIGIN_COMMAND_H
#define ORIGIN_COMMAND_H

#include <stddef.h>

/*
 * Runs the commands in @text, one per line; @text is cut up. Stops at the first
 * line that makes no sense (-EINVAL) or finds no room (-ENOSPC); those before it
 * have been carried out.
 */
int command_run(char *text);

/* Writes the settings and faults in force as commands; the length. */
size_t command_format(char *buf, size_t size);

#endif
