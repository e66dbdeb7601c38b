/* SPDX-License-Identifier: MIT */
/* Files that helpers open before the program does (rawcache/embed.h). */
#ifndef SHIM_AHEAD_H
#define SHIM_AHEAD_H

#include <rawcache/embed.h>

#include "base/compiler.h"

struct handle;

/*
 * The program is about to open this file with these flags. Returns a descriptor as the kernel would, or -1:
 * the kernel must be asked. Keeps errno.
 */
int ahead_open_slow(int dir, const char *path, int flags);
static inline int ahead_open(int dir, const char *path, int flags)
{
	return likely(!load_relaxed(&rawcache_opens_waiting)) ? -1 :
								ahead_open_slow(dir, path, flags);
}

/* Call before the program changes names: some file systems keep a removed file that is open under a hidden name. */
static inline void ahead_drop(void)
{
	if (unlikely(load_relaxed(&rawcache_opens_waiting)))
		rawcache_opens_drop(true);
}

/*
 * Record in which order the program opens files: ahead_order_note() for each file, ahead_order_save() when the
 * program ends.
 */
void ahead_order_note(const char *path);
void ahead_order_save(void);

/* The program has opened a file with this path, whose handle may be NULL. */
void ahead_seen(const struct handle *handle, const char *path, int flags, uint64_t ns);

#endif
