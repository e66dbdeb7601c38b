/* SPDX-License-Identifier: MIT */
/* Which of the loader's objects have data that are worth having from the image. */
#ifndef SHIM_LOADED_FIND_H
#define SHIM_LOADED_FIND_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/libc/pathbuf.h"

#define SEGMENTS 4u /* read-only ones: 1,796 objects of Debian 12 have 0 to 2 */

struct library_segment {
	uintptr_t start;
	size_t n;
	uint64_t offset; /* of the file */
};

/* A library, or the program, whose data are worth it. */
struct library {
	uintptr_t base;
	const ElfW(Phdr) * headers;
	struct pathbuf *name; /* as the loader has it */
	struct pathbuf *path; /* as the kernel has it */
	unsigned int segments;
	struct library_segment segment[SEGMENTS];
};

/* Whether a path, as the loader has it, lies in a configured directory. */
bool loaded_inside(const char *path);

/* Fill the candidate, whose buffers the caller has made. */
bool candidate_is(const struct dl_phdr_info *info, struct library *candidate);

#endif
