/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "shim/libc/elf.h"

#define NAME_BYTES 36 /* of the longest, io_uring_submit_and_wait_timeout */

struct symbols_next symbols_next;

static struct elf_objects symbols_behind;

/* Not pointers: the loader would have to relocate each of them in every program that starts. */
static const char names[][NAME_BYTES] = {
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

/*
 * dlsym() takes several times as long, and the loader's lock, which a signal handler or the child of a fork must
 * not wait for. It is a hook itself.
 */
static void *next_find(const char *name)
{
	bool odd = true;
	void *next = NULL;

	if (symbol_late(name))
		return NEXT(dlsym)(RTLD_NEXT, name);
	if (symbols_behind.first)
		next = elf_find(&symbols_behind, name, &odd);
	if (!odd)
		return next;
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

at_start void symbols_init(void)
{
	elf_behind(&symbols_behind);
}
