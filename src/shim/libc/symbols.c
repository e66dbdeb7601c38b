/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "shim/libc/elf.h"

struct symbols_next symbols_next;

static const char *const names[] = {
#define SYMBOL(result, name, arguments) #name,
#define ALIAS(name, of)
#include "shim/libc/symbols_tbl.h"
#undef SYMBOL
#undef ALIAS
};

_Static_assert(sizeof(struct symbols_next) == ARRAY_SIZE(names) * sizeof(void *),
	       "one pointer a name");

/* Stands in for a function that this libc does not have. */
static long symbol_missing(void)
{
	errno = ENOSYS;
	return -1;
}

/*
 * Functions that are not libc's (liburing's) may come with an object that is loaded later, and for itself
 * alone: RTLD_NEXT does not look there.
 */
static bool symbol_late(const char *name)
{
	return !strncmp(name, "io_", 3) || !strncmp(name, "__io_", 5);
}

static void *late_find(const char *name)
{
	Dl_info own, info;

	if (!dladdr(&symbols_next, &own))
		return NULL;
	for (struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
		/* a link_map is a handle, in glibc */
		void *found = NEXT(dlsym)(map, name);

		if (found && dladdr(found, &info) && info.dli_fbase != own.dli_fbase)
			return found;
	}
	return NULL;
}

/* dlsym() is a hook itself. */
static void *next_find(const char *name)
{
	if (elf_same(name, "dlsym") || elf_same(name, "dlvsym"))
		return elf_next(name);
	return NEXT(dlsym)(RTLD_NEXT, name);
}

void *symbols_resolve_one(size_t offset)
{
	size_t i = offset / sizeof(void *);
	void **slot = (void **)&symbols_next + i;
	int saved = errno;
	void *next = next_find(names[i]);

	if (!next && symbol_late(names[i]))
		next = late_find(names[i]);
	if (!next)
		next = (void *)symbol_missing;
	if (next != (void *)symbol_missing || !symbol_late(names[i]))
		store_relaxed(slot, next);
	errno = saved;
	return next;
}

/* dlsym() for each symbol takes several times as long, and every program that starts pays for it. */
void symbols_resolve(void)
{
	struct elf_objects objects;
	bool known = elf_behind(&objects);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		bool odd = true;
		void *next = NULL;

		if (symbol_late(names[i]))
			continue;
		if (known)
			next = elf_find(&objects, names[i], &odd);
		if (odd)
			symbols_resolve_one(i * sizeof(void *));
		else
			store_relaxed((void **)&symbols_next + i,
				      next ? next : (void *)symbol_missing);
	}
}
