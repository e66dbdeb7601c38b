/* SPDX-License-Identifier: MIT */
#include "shim/symbols.h"

#include <dlfcn.h>
#include <errno.h>

struct symbols_next symbols_next;

static const char *const names[] = {
#define SYMBOL(result, name, arguments) #name,
#define ALIAS(name, of)
#include "shim/symbols_tbl.h"
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

void *symbols_resolve_one(size_t offset)
{
	size_t i = offset / sizeof(void *);
	void **slot = (void **)&symbols_next + i;
	int saved = errno;
	void *next = dlsym(RTLD_NEXT, names[i]);

	if (!next)
		next = (void *)symbol_missing;
	store_relaxed(slot, next);
	errno = saved;
	return next;
}

void symbols_resolve(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		symbols_resolve_one(i * sizeof(void *));
}
