/* SPDX-License-Identifier: MIT */
/* Tables of the kernel, in files of /proc, line by line. */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* One line, without its end; it may be changed. True: enough. */
typedef bool line_fn(void *arg, char *line);

#define LINES_ENOUGH 1

/*
 * Call `visit` with each line of the file `path`. `buf` has `size` bytes; what does not fit of a line is left out.
 * LINES_ENOUGH: `visit` returned true; 0: all lines were visited whole; -E2BIG: one was cut; or -errno of open() or
 * read().
 */
int lines_read(const char *path, char *buf, size_t size, line_fn *visit, void *arg);

#endif
