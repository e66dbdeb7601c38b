/* SPDX-License-Identifier: MIT */
/*
 * Detaching pages: TCP keeps references to page-cache pages after sendfile() has returned, and
 * a buffered overwrite would change bytes that are still to be sent. Taking the pages out of
 * the page cache first (a hole, or a zeroed range) leaves the old ones to their readers.
 */
#ifndef CORE_DETACH_H
#define CORE_DETACH_H

#include <rawcache/image.h>

/* Detach [offset, offset + n) with the way that `probes` (FORMAT_PROBE_*) names. 0 or -errno. */
int detach_range(int fd, uint32_t probes, uint64_t offset, uint64_t n);

/*
 * Find out what works: writes into [offset, offset + n), n at least 64 KiB, of an image that is
 * being made, and leaves zeros. Returns FORMAT_PROBE_* bits.
 */
uint32_t detach_probe(int fd, uint64_t offset, uint64_t n);

enum rawcache_detach detach_method(uint32_t probes);

#endif
