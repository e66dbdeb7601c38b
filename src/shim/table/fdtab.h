/* SPDX-License-Identifier: MIT */
/*
 * Which descriptor numbers mean something to us.
 *
 * RLIMIT_NOFILE may be a billion, so the table has two levels and ends at 1 Mi: numbers beyond are never
 * tracked. The first page is static, which makes the question "is this fd tracked?" one load and one branch
 * for nearly all programs; the others are mapped at their first entry and stay. Entries change by atomic
 * exchange: a thread that takes a handle out owns the reference of the entry. There is no lock.
 *
 * An entry is set after the kernel has returned the descriptor, and removed before a call that closes or
 * replaces the descriptor. So while an entry is seen unchanged before and after something, the descriptor
 * means the same file in between.
 */
#ifndef SHIM_FDTAB_H
#define SHIM_FDTAB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct handle;

/* Inherited through exec and not examined yet: track_adopt() does that. */
#define FDTAB_ADOPT ((struct handle *)1)

#define FDTAB_PAGE 1024 /* most programs open no more: one page, which is static */
/* 1048576 descriptors: fs.nr_open, the kernel's own limit, unless it was raised. */
#define FDTAB_PAGES 1024
#define FDTAB_LIMIT (FDTAB_PAGE * FDTAB_PAGES)

struct fdtab_page {
	struct handle *entry[FDTAB_PAGE];
	uint32_t changes[FDTAB_PAGE]; /* changes of each entry; counted before the change */
};

extern struct fdtab_page fdtab_first;
extern struct fdtab_page *fdtab_pages[FDTAB_PAGES]; /* [0] is not used */

static inline struct handle *fdtab_get(int fd)
{
	struct fdtab_page *page;

	/* the loads pair with the exchange in fdtab_swap() */
	if (likely((unsigned int)fd < FDTAB_PAGE))
		return load_acquire(&fdtab_first.entry[fd]);
	if ((unsigned int)fd >= FDTAB_LIMIT)
		return NULL;
	page = load_acquire(&fdtab_pages[(unsigned int)fd / FDTAB_PAGE]);
	return page ? load_acquire(&page->entry[(unsigned int)fd % FDTAB_PAGE]) : NULL;
}

/* Whether it is a handle, not NULL or the sentinel. */
static inline bool fdtab_is_handle(const struct handle *handle)
{
	return (size_t)handle > (size_t)FDTAB_ADOPT;
}

/*
 * A number that differs after each change of the entry; 0: there is no handle. While it is the same, and
 * not 0, the descriptor means the same file.
 */
uint32_t fdtab_changes(int fd);

/* Make room for an entry. 0; -EBADF: beyond the table; -ENOMEM. */
int fdtab_reserve(int fd);

/* Set an entry that has room, or any entry to NULL. Returns the old value. */
struct handle *fdtab_swap(int fd, struct handle *handle);

/* Replace an entry if it still is `old`. */
bool fdtab_replace(int fd, struct handle *old, struct handle *handle);

/* Call `visit` for every entry from `first` to `last` that is not NULL. */
void fdtab_each(int first, unsigned int last, void (*visit)(int fd, struct handle *handle));

/* The first descriptor with a handle for which `is` is true, or -1. */
int fdtab_find(bool (*is)(struct handle *handle, const void *arg), const void *arg);

#endif
