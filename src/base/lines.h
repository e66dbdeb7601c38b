/* SPDX-License-Identifier: MIT */
/* Files of /proc that are tables, read line by line. */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Gets one line without its end, which it may change. Returns true to stop. */
typedef bool line_fn(void *arg, char *line);

#define LINES_ENOUGH 1 /* no error, and not 0 */

/*
 * Call `visit` for each line of the file `path`. `buf` has `size` bytes; the part of a line that does not
 * fit is left out. Returns LINES_ENOUGH if `visit` returned true; 0 if all lines were visited whole; -E2BIG
 * if one did not fit; or -errno of open() or read().
 */
int lines_read(const char *path, char *buf, size_t size, line_fn *visit, void *arg);

#endif
