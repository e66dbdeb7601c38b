/* SPDX-License-Identifier: MIT */
/* Numbers and names as people write them, in options and in commands. */
#ifndef ORIGIN_PARSE_H
#define ORIGIN_PARSE_H

#include <stdint.h>

/* All return 0 or -EINVAL, and leave the result alone on error. */

/* A number, with an optional suffix K, M, G or T (powers of 1024). */
int parse_size(const char *text, uint64_t *bytes);

/* A plain number. */
int parse_count(const char *text, uint64_t *count);

/* Whole seconds, perhaps negative. */
int parse_clock(const char *text, int64_t *seconds);

/* Milliseconds, fractions allowed. */
int parse_ms(const char *text, int64_t *ns);

/* Seconds, fractions allowed. */
int parse_seconds(const char *text, double *seconds);

/* The name of an error: "EIO". */
int parse_errno(const char *text, int *err);

#endif
