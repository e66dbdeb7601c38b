/* SPDX-License-Identifier: MIT */
/*
 * Large folios under the data that is being filled.
 *
 * An image is filled in chunks, and the page cache keeps them in folios of the size they were written
 * in; the processor then needs a translation for each page. What is written into a folio of 2 MiB
 * that is there already stays in it, and is mapped by one entry of the page directory: random
 * reads need no walk. A detached region has nothing on the disk, so that such a folio is made
 * of zeros, without I/O, by a page fault in a mapping that asks for huge pages.
 */
#ifndef CORE_FOLIO_H
#define CORE_FOLIO_H

#include <stdint.h>

struct rawcache;

/*
 * `pages` from `page` were cut from an active region, which the caller has pinned, and will be
 * written: make the folios of the whole blocks of 2 MiB among them. Best effort.
 */
void folio_prepare(const struct rawcache *cache, uint32_t page, uint32_t pages);

#endif
