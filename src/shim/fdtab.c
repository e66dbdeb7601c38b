/* SPDX-License-Identifier: MIT */
#include "shim/symbols.h"

#include "shim/fdtab.h"

#include <errno.h>

#include "base/memory.h"

struct fdtab_page fdtab_first;
struct fdtab_page *fdtab_pages[FDTAB_PAGES];

static int highest = -1; /* the highest number that ever had an entry */

static struct handle **entry_of(int fd)
{
	struct fdtab_page *page = &fdtab_first;

	if ((unsigned int)fd >= FDTAB_LIMIT)
		return NULL;
	if (fd >= FDTAB_PAGE)
		page = load_acquire(&fdtab_pages[fd / FDTAB_PAGE]);
	return page ? &page->entry[fd % FDTAB_PAGE] : NULL;
}

static int page_make(struct fdtab_page **slot)
{
	struct fdtab_page *page = memory_map(sizeof(*page));
	struct fdtab_page *none = NULL;

	if (!page)
		return -ENOMEM;
	/* another thread may have been faster; pairs with the acquire load in fdtab_get() */
	if (!cas(slot, &none, page))
		memory_unmap(page, sizeof(*page));
	return 0;
}

int fdtab_reserve(int fd)
{
	int seen = load_relaxed(&highest);

	if ((unsigned int)fd >= FDTAB_LIMIT)
		return -EBADF;
	while (seen < fd && !cas(&highest, &seen, fd))
		;
	if (entry_of(fd))
		return 0;
	return page_make(&fdtab_pages[fd / FDTAB_PAGE]);
}

struct handle *fdtab_swap(int fd, struct handle *handle)
{
	struct handle **entry = entry_of(fd);

	return entry ? __atomic_exchange_n(entry, handle, __ATOMIC_ACQ_REL) : NULL;
}

bool fdtab_replace(int fd, struct handle *old, struct handle *handle)
{
	struct handle **entry = entry_of(fd);

	return entry && cas(entry, &old, handle);
}

void fdtab_each(int first, unsigned int last, void (*visit)(int fd, struct handle *handle))
{
	int end = load_relaxed(&highest);

	/* -1 while there is nothing: not the largest of numbers */
	if (end >= 0 && last < (unsigned int)end)
		end = (int)last;
	for (int fd = first < 0 ? 0 : first; fd <= end; fd++) {
		struct handle *handle;

		if (fd >= FDTAB_PAGE && !load_acquire(&fdtab_pages[fd / FDTAB_PAGE])) {
			fd |= FDTAB_PAGE - 1;
			continue;
		}
		handle = fdtab_get(fd);
		if (handle)
			visit(fd, handle);
	}
}

int fdtab_find(bool (*is)(struct handle *handle, const void *arg), const void *arg)
{
	int end = load_relaxed(&highest);

	for (int fd = 0; fd <= end; fd++) {
		struct handle *handle = fdtab_get(fd);

		if (fdtab_is_handle(handle) && is(handle, arg))
			return fd;
	}
	return -1;
}
