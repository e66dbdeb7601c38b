/* SPDX-License-Identifier: MIT */
/* What the loader and the headers tell of an object: its code, its build id. */
#ifndef SHIM_CODE_OBJECT_H
#define SHIM_CODE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_PARTS 4

struct dl_phdr_info;

struct code_part {
	const unsigned char *p;
	size_t n;
};

struct code_object {
	uintptr_t base;
	const void *segment; /* the headers of its segments, */
	size_t segments;     /* and how many there are */
	const char *path;    /* good until the next object */
	uint64_t id;	     /* a hash of the build id; 0: it has none */
	bool go;	     /* a note of Go's linker */
	unsigned int parts;
	struct code_part part[CODE_PARTS];
};

/* False: its system calls are none to look for. Called under the loader's lock. */
bool code_object_read(const struct dl_phdr_info *info, struct code_object *object);

/*
 * Whether the sections of code in `part` have such instructions, now that all of it seems to: 1 or 0. Some linkers put
 * tables into the same part. Where the file is not there or has no sections the answer is 1.
 */
int code_sections_call(const struct code_object *object, const struct code_part *part);

#endif
