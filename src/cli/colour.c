/* SPDX-License-Identifier: MIT */
#include "cli/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *colour(FILE *out, enum colour colour)
{
	static const char *const codes[] = { "\033[m", "\033[32m", "\033[33m", "\033[1;31m" };
	const char *none = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if ((none && *none) || !term || !strcmp(term, "dumb") || !isatty(fileno(out)))
		return "";
	return codes[colour];
}
