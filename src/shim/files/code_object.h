/* SPDX-License-Identifier: MIT */
/* What the loader and the headers say about an object: its code and its build id. */
#ifndef SHIM_CODE_OBJECT_H
#define SHIM_CODE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Segments with code: of 1,796 objects of Debian 12 two have 2 or 3, the others one. More are not searched. */
#define CODE_PARTS 4

struct dl_phdr_info;

struct code_part {
	const unsigned char *p;
	size_t n;
};

struct code_object {
	uintptr_t base;
	const void *segment; /* the program headers of its segments, */
	size_t segments;     /* and their number */
	const char *path;    /* valid until the next object is read */
	uint64_t id;	     /* a hash of the build id; 0: it has none */
	bool go;	     /* it has a note of Go's linker */
	unsigned int parts;
	struct code_part part[CODE_PARTS];
};

/* Read an object. False: it is not to be searched. Must be called under the loader's lock. */
bool code_object_read(const struct dl_phdr_info *info, struct code_object *object);

/*
 * Whether the sections with code in `part` have such instructions, given that the part as a whole seems to:
 * some linkers put tables into the same part. Returns 1 or 0; 1 as well if the file is missing or has no
 * sections.
 */
int code_sections_call(const struct code_object *object, const struct code_part *part);

#endif
