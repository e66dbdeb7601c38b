/* SPDX-License-Identifier: MIT */
/*
 * When a handle's attributes are looked at again, to see what others have done to its file.
 *
 * A look is one system call if the kernel has the attributes, and a request to the server if it has forgotten them.
 * Looks may take a small part of the time (LOOK_SHARE), so the cost of the last ones decides. If the kernel
 * answers, a read looks if the coarse clock has advanced since the last look; a large read, beside which the call
 * costs nothing, always looks. If the server is asked each time, a read looks after RAWCACHE_REVALIDATE
 * milliseconds at the latest. Reads in one tick of the clock make no system call.
 *
 * A read also looks if the process has heard of others since the last look (news.h): the bytes must not be older
 * than the news. Where servers are asked, only the end of a child counts as news: other news are no reason to ask
 * more often.
 *
 * The program's own fstat() and lseek(SEEK_END) are looks for free. After the kernel has read a file past the
 * cache, a look follows: its bytes may be newer than those that other handles of the file would return.
 */
#ifndef SHIM_LOOK_H
#define SHIM_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/compiler.h"

#include "shim/table/handle.h"

/*
 * Whether the attributes must be looked at before a read of `n` bytes that ends at `end`. A read that reaches
 * beyond the known end of the file looks once a tick.
 */
static inline bool look_due_itself(const struct handle *handle, size_t n, uint64_t end)
{
	uint64_t at = load_relaxed(&handle->look_ms);
	uint64_t now;

	if (unlikely(at == HANDLE_NEVER))
		return false;
	if (unlikely(n >= load_relaxed(&handle->look_bytes)))
		return true;
	now = clock_coarse_ms();
	return unlikely(now >= at) || (unlikely(end > load_relaxed(&handle->size)) &&
				       now != load_relaxed(&handle->checked_ms));
}

/* The same, or because the process has heard of others. */
static inline bool look_due(const struct handle *handle, size_t n, uint64_t end)
{
	if (unlikely(load_relaxed(&news_heard.all) != load_relaxed(&handle->heard.all)))
		return load_relaxed(&handle->look_ms) != HANDLE_NEVER;
	return look_due_itself(handle, n, end);
}

/*
 * Look before a read for which look_due() returned true. If the only reason is that the process has heard of
 * others, and each look is a request, it does not look. Returns false if the attributes are not those of the
 * handle.
 */
bool look_before(struct handle *handle, int fd, size_t n, uint64_t end);

/*
 * Look. Returns false if the attributes are not those of the handle; the other handles of the file then
 * know it.
 */
bool look_same(struct handle *handle, int fd);

/*
 * The kernel may have read `fd` past the cache: if what it returned is newer, older versions end before the
 * program sees it. Looks each time if the kernel has the attributes; if a server is asked for them, as
 * often as other looks. Keeps errno.
 */
void look_after_slow(int fd);
static inline void look_after(int fd)
{
	if (unlikely(fdtab_get(fd)))
		look_after_slow(fd);
}

/* The program has seen these attributes of a file at `now`; if `handle` is not NULL, through that handle. */
void look_seen(struct handle *handle, const struct statx *stx, uint64_t now);

/* The program was told that the handle's file ends at `size`. */
void look_size(const struct handle *handle, uint64_t size);

/*
 * `fd` was locked or synchronised: its file is looked at before the next read. `ask`: past the attributes
 * that the kernel remembers.
 */
void look_again(int fd, bool ask);

/*
 * A lock of `fd` was granted: the same for the files beside it. Databases lock one file and read others:
 * readers of SQLite's log and of its database go by the lock of a third file.
 */
void look_locked(int fd);

#endif
