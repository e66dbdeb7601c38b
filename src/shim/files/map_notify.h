/* SPDX-License-Identifier: MIT */
/*
 * Shared mappings through which files of a configured directory may be written. Nobody sees the stores;
 * msync() and the end of the mapping announce to readers that there were some. The table has a fixed size
 * and no locks: a place is taken by compare and swap, and nobody waits for it. While such a mapping exists
 * in any process, and can be stored to or could once, nothing is served of the file; if the table has no
 * place for a mapping, that is so for ever.
 */
#ifndef SHIM_MAP_NOTIFY_H
#define SHIM_MAP_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "base/compiler.h"

extern unsigned int map_notify_count; /* number of places that were ever taken */

/* Call when `fd` is about to be mapped shared: such a mapping may be made writable at any time. */
void map_notify_begin(int fd);

/* Call when [p, p + n) has just been mapped shared from `fd`. */
void map_notify_note(const void *p, size_t n, int prot, int fd);

/* Call when the range is about to become writable: from then on stores are possible where it was not. */
void map_notify_open_slow(const void *p, size_t n);
static inline void map_notify_open(const void *p, size_t n)
{
	if (unlikely(load_relaxed(&map_notify_count)))
		map_notify_open_slow(p, n);
}

/* Announce the files that are mapped in the range. */
void map_notify_announce_slow(const void *p, size_t n);
static inline void map_notify_announce(const void *p, size_t n)
{
	if (unlikely(load_relaxed(&map_notify_count)))
		map_notify_announce_slow(p, n);
}

/* Mappings that are about to end. */
struct map_notify_taken {
	unsigned int count;
	uint16_t place[32];
};

/*
 * Call when the range is about to be unmapped: announces the files in it. Mappings that lie wholly in it
 * end with map_notify_end(), after the kernel has unmapped them: some file systems write at that moment.
 */
void map_notify_take_slow(const void *p, size_t n, struct map_notify_taken *taken);
static inline void map_notify_take(const void *p, size_t n, struct map_notify_taken *taken)
{
	taken->count = 0;
	if (unlikely(load_relaxed(&map_notify_count)))
		map_notify_take_slow(p, n, taken);
}

void map_notify_end_slow(const struct map_notify_taken *taken, bool unmapped);
static inline void map_notify_end(const struct map_notify_taken *taken, bool unmapped)
{
	if (unlikely(taken->count))
		map_notify_end_slow(taken, unmapped);
}

/* The range of `old` bytes was moved to `to`, with another length; if it `stays`, it is mapped there, too. */
void map_notify_move(const void *p, size_t old, bool stays, const void *to, size_t n);

#endif
