/* SPDX-License-Identifier: MIT */
/*
 * Mappings of files that are not cached whole: what the program touches of the origin's pages is
 * stored, so that the next mapping has it.
 *
 * Page faults call nobody. A helper thread looks into the kernel's list of this process's pages
 * (/proc/self/pagemap) five times a second, at first more often, and fills the chunks of which pages have come,
 * out of the page cache that they came into: the origin is read once, and no more of it than the program
 * wanted, rounded up to chunks. What was touched wholly makes it ask for as much behind it, in large pieces.
 * When the mapping ends, or the program, it looks once more, and stores for a small part of the time that the
 * mapping was there. The thread has a descriptor table of its own, with the image and
 * the files that it follows. It ends when nothing new was touched for some seconds.
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
 * [offset, offset + length) of `file` is mapped at `address`; chunks that are not cached are the
 * origin's pages there. `fd` is needed until this returns. The caller holds `file`.
 */
void follow_mapping(struct rawcache *cache, struct file *file, int fd, const void *address,
		    uint64_t length, uint64_t offset);

/* False: nobody will see what the program touches. A process that gave up its rights may not look at its own pages. */
bool follow_can(const struct rawcache *cache);

/* This thread's follow_mapping() was left by siglongjmp(): what it held is given back. */
void follow_wait_end(void);

/* What is mapped in the range will not be any more: the file is closed, if that takes no more than a moment. */
void follow_unmapped(const struct rawcache *cache, uintptr_t start, uintptr_t end);

/* All of a cache that goes away; waits for the fill that is at work. */
void follow_drop_all(const struct rawcache *cache);

/* All of all, without waiting: the thread shall end soon. */
void follow_dismiss(void);

void follow_fork_prepare(void);
void follow_fork_parent(void);
void follow_fork_child(void);

#endif
