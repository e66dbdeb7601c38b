/* SPDX-License-Identifier: MIT */
/*
 * Shared mappings through which files of a configured directory may be written. Nobody sees the
 * stores; that they were made is announced to readers at msync() and when the mapping ends.
 *
 * A bounded table without locks: a place is taken by compare and swap, and nobody waits for it. What
 * finds no place is announced when its descriptor is closed, as all writers are.
 */
#ifndef SHIM_MAP_NOTIFY_H
#define SHIM_MAP_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "base/compiler.h"

extern unsigned int map_notify_count; /* places that were ever taken */

/* `fd` is about to be mapped shared: what is mapped may be made writable at any time. */
void map_notify_begin(int fd);

/* [p, p + n) has just been mapped shared from `fd`. */
void map_notify_note(const void *p, size_t n, int fd);

/* Announce what is mapped in the range. */
void map_notify_announce_slow(const void *p, size_t n);
static inline void map_notify_announce(const void *p, size_t n)
{
	if (unlikely(load_relaxed(&map_notify_count)))
		map_notify_announce_slow(p, n);
}

/* The range was unmapped: announce, and forget what lay in it as a whole. */
void map_notify_end_slow(const void *p, size_t n);
static inline void map_notify_end(const void *p, size_t n)
{
	if (unlikely(load_relaxed(&map_notify_count)))
		map_notify_end_slow(p, n);
}

/* The range now lies, with another length, at `to`. */
void map_notify_move(const void *p, const void *to, size_t n);

#endif
