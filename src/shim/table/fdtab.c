/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/fdtab.h"

#include <errno.h>

#include "base/memory.h"

large_table struct fdtab_page fdtab_first;
large_table struct fdtab_page *fdtab_pages[FDTAB_PAGES];

static int highest = -1; /* the highest number that ever had an entry */

static struct fdtab_page *page_of(int fd)
{
	if ((unsigned int)fd >= FDTAB_LIMIT)
		return NULL;
	return fd < FDTAB_PAGE ? &fdtab_first : load_acquire(&fdtab_pages[fd / FDTAB_PAGE]);
}

static int page_make(struct fdtab_page **slot)
{
	struct fdtab_page *page = memory_map(sizeof(*page));
	struct fdtab_page *none = NULL;

	if (!page)
		return -ENOMEM;
	/* another thread may have come first; pairs with the acquire load in fdtab_get() */
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
	if (page_of(fd))
		return 0;
	return page_make(&fdtab_pages[fd / FDTAB_PAGE]);
}

uint32_t fdtab_changes(int fd)
{
	const struct fdtab_page *page = page_of(fd);

	if (!page || !fdtab_is_handle(load_acquire(&page->entry[fd % FDTAB_PAGE])))
		return 0;
	return load_acquire(&page->changes[fd % FDTAB_PAGE]) | 1u << 31;
}

struct handle *fdtab_swap(int fd, struct handle *handle)
{
	struct fdtab_page *page = page_of(fd);

	if (!page)
		return NULL;
	fetch_add(&page->changes[fd % FDTAB_PAGE], 1);
	return __atomic_exchange_n(&page->entry[fd % FDTAB_PAGE], handle, __ATOMIC_ACQ_REL);
}

bool fdtab_replace(int fd, struct handle *old, struct handle *handle)
{
	struct fdtab_page *page = page_of(fd);

	if (!page)
		return false;
	fetch_add(&page->changes[fd % FDTAB_PAGE], 1);
	return cas(&page->entry[fd % FDTAB_PAGE], &old, handle);
}

void fdtab_each(int first, unsigned int last, void (*visit)(int fd, struct handle *handle))
{
	int end = load_relaxed(&highest);

	/* -1 while there is none: it must not become the largest number */
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
