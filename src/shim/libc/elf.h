/* SPDX-License-Identifier: MIT */
/* Symbols without the loader's functions, some of which are hooks here. */
#ifndef SHIM_ELF_H
#define SHIM_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_OBJECTS 16

/* Where the loader has put what an object tells of its symbols. */
struct elf_table {
	uintptr_t base;
	const void *symbols; /* ElfW(Sym) */
	const char *strings;
	const uint16_t *versions; /* NULL: none */
	const uint32_t *hash;	  /* DT_GNU_HASH */
};

/* The objects that were loaded after us, in their order. */
struct elf_objects {
	struct elf_table table[ELF_OBJECTS];
	size_t count;
};

/*
 * Whether two names are the same, without libc's strcmp(): a sanitizer's stands in for it, begins with the first
 * call, and asks our dlsym() for what it needs before it can compare.
 */
static inline bool elf_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* False: there are more, or one has no such table. */
bool elf_behind(struct elf_objects *objects);

/*
 * What they have under this name, by default where it has several versions; NULL: nothing. *odd: it is no plain
 * function, and for dlsym() to find.
 */
void *elf_find(const struct elf_objects *objects, const char *name, bool *odd);

/* The same by whoever looks for one name only: the first that is a function. */
void *elf_next(const char *name);

/* The hook of this name, or NULL. */
void *elf_own(const char *name);

#endif
