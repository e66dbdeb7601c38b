/* SPDX-License-Identifier: MIT */
/* Colours on terminals, unless NO_COLOR is set (https://no-color.org) or TERM is dumb. */
#ifndef CLI_COLOUR_H
#define CLI_COLOUR_H

#include <stdio.h>

enum colour { COLOUR_END, COLOUR_GOOD, COLOUR_DOUBTFUL, COLOUR_BAD };

/* What switches `out` to the colour; empty where there are none. */
const char *colour(FILE *out, enum colour colour);

#endif
