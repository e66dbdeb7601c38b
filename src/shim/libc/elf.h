/* SPDX-License-Identifier: MIT */
/* Finding symbols without the loader's functions, some of which are hooks here. */
#ifndef SHIM_ELF_H
#define SHIM_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link_map;

/* Where the loader has put an object's tables of symbols. */
struct elf_table {
	uintptr_t base;
	const void *symbols; /* ElfW(Sym) */
	const char *strings;
	const uint16_t *versions; /* NULL: none */
	const uint32_t *hash;	  /* DT_GNU_HASH */
};

/* The objects that were loaded after ours with the program, in the loader's list. */
struct elf_objects {
	const struct link_map *first, *last; /* NULL: none */
};

/*
 * Whether two names are equal, without libc's strcmp(): a sanitizer may replace that. Its replacement
 * initialises itself at the first call, and asks our dlsym() for what it needs before it can compare.
 */
static inline bool elf_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Find the objects. Call when no other thread can load one. */
void elf_behind(struct elf_objects *behind);

/*
 * Find the function that they have under this name, the default one if it has several versions; NULL: none.
 * *odd: it is no plain function, or an object has no such table: dlsym() must find it. There is an object.
 */
void *elf_find(const struct elf_objects *behind, const char *name, bool *odd);

/* The same for a caller that looks for one name only: the first one that is a function. */
void *elf_next(const char *name);

/* Our hook of this name, or NULL. */
void *elf_own(const char *name);

#endif
