/* SPDX-License-Identifier: MIT */
/*
 * Large folios under data that is being filled. An image is filled in chunks, and the page cache keeps them
 * in folios of the size in which they were written; the processor then needs a translation for each page.
 * Bytes that are written into an existing folio of 2 MiB stay in it, and one entry of the page directory
 * maps them: random reads need no walk through page tables. A detached region has nothing on the disk, so
 * such a folio is made of zeros, without I/O, by a page fault in a mapping that asks for huge pages.
 */
#ifndef CORE_FOLIO_H
#define CORE_FOLIO_H

#include <stdint.h>

struct rawcache;

/*
 * Make the folios of the whole blocks of 2 MiB among the `pages` pages from `page` on. The caller has cut
 * them from an active region, which it pins, and will write them. Best effort.
 */
void folio_prepare(const struct rawcache *cache, uint32_t page, uint32_t pages);

#endif
