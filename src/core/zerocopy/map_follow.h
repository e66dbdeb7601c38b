/* SPDX-License-Identifier: MIT */
/*
 * Mappings of files that are cached in part: chunks whose pages the program touches in the origin's mapping
 * are stored, so that the next mapping has them.
 *
 * A page fault cannot be hooked. Instead a helper thread reads the kernel's table of this process's pages
 * (/proc/self/pagemap) five times a second, at first more often. It stores the chunks of which pages have become
 * present, from the page cache: so the origin is read once, and no more of it than the program touched, rounded up to
 * chunks. Behind chunks that were touched wholly it asks the kernel to read as much ahead, in large pieces. When the
 * mapping or the program ends, it looks once more, and stores for at most a part of the time that the mapping existed
 * (FOLLOW_FINISH_SHARE). The thread has a descriptor table of its own, with the image and the files that it follows.
 * It ends when no new page was touched for some seconds.
 *
 * Locks: the list's, inside a critical section; nobody sleeps with it.
 */
#ifndef CORE_MAP_FOLLOW_H
#define CORE_MAP_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

struct rawcache;
struct file;

/*
 * Follow a mapping: [offset, offset + length) of `file` is mapped at `address`; chunks that are not cached
 * are the origin's pages there. `fd` is needed until this returns. The caller holds a reference of `file`.
 */
void follow_mapping(struct rawcache *cache, struct file *file, int fd, const void *address,
		    uint64_t length, uint64_t offset);

/*
 * Whether this process can see what the program touches: one that gave up its rights may not look at its
 * own pages.
 */
bool follow_can(const struct rawcache *cache);

/* After a siglongjmp() out of follow_mapping(): release what this thread held in it. */
void follow_wait_end(void);

/* The range is about to be unmapped: stop following it, and wait for FOLLOW_CLOSE_MS until the file is closed. */
void follow_unmapped(const struct rawcache *cache, uintptr_t start, uintptr_t end);

/* The cache is being detached: stop following its files, and wait for a fill that is running. */
void follow_drop_all(const struct rawcache *cache);

/* Stop following everything, without waiting: the thread ends soon. */
void follow_dismiss(void);

void follow_fork_prepare(void);
void follow_fork_parent(void);
void follow_fork_child(void);

#endif
