/* SPDX-License-Identifier: MIT */
/*
 * Detaching pages. TCP keeps references to page-cache pages after sendfile() has returned, and a buffered
 * overwrite would change bytes that are still to be sent. If the pages are first taken out of the page
 * cache (by a hole or a zeroed range), their readers keep the old pages.
 */
#ifndef CORE_DETACH_H
#define CORE_DETACH_H

#include <rawcache/image.h>

/* Detach [offset, offset + n) by the method that `probes` (FORMAT_PROBE_*) names. 0 or -errno. */
int detach_range(int fd, uint32_t probes, uint64_t offset, uint64_t n);

/*
 * Find out which methods work. Writes into [offset, offset + n) of an image that is being made, n at least
 * 64 KiB, and leaves zeros. Returns FORMAT_PROBE_* bits.
 */
uint32_t detach_probe(int fd, uint64_t offset, uint64_t n);

enum rawcache_detach detach_method(uint32_t probes);

#endif
