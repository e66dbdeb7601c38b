/* SPDX-License-Identifier: MIT */
/*
 * The configuration and the cache of this process.
 *
 * attach_init() reads the configuration, once, in the constructor, and decides whether the
 * shim does anything at all. The cache is attached by the first open that matches; a failure
 * is remembered, and tried again after a while where the reason may pass. The cache is never
 * detached: hooks may run until the last instruction of the process.
 */
#ifndef SHIM_ATTACH_H
#define SHIM_ATTACH_H

#include <stdbool.h>

#include <rawcache/rawcache.h>

#include "base/compiler.h"
#include "base/config.h"
#include "base/sys.h"

extern struct config attach_config;
extern bool attach_active;   /* set once, before main(), if the shim has anything to do */
extern bool attach_excludes; /* RAWCACHE_PATHS has exclusions */
extern struct rawcache *attach_attached;
extern uint32_t (*attach_number)(int fd); /* the callback rawcache_options.number */
extern void (*attach_begins)(void);	  /* called before each attempt to attach; NULL: nothing */

/* Whether a directory to cache is named. Most programs that inherit us without a configuration name none. */
bool attach_asked(void);

/* `name` is the name by which the program was started. */
void attach_init(const char *name);

/* The cache, if the process is attached; else NULL. */
static inline struct rawcache *attach_cache_now(void)
{
	return load_acquire(&attach_attached);
}

/* The cache, which is attached if needed; NULL with the reason in *reason. */
struct rawcache *attach_cache(enum rawcache_reason *reason);

/* Read a file's attributes, as fresh as RAWCACHE_REVALIDATE asks for. */
static inline int attach_fstatx(int fd, struct statx *stx)
{
	return likely(attach_config.revalidate_ms != CONFIG_REVALIDATE_SYNC) ?
		       sys_fstatx(fd, stx) :
		       sys_fstatx_sync(fd, stx);
}

/* Around fork(): no thread attaches in between. `held` is the result of attach_fork_prepare(). */
bool attach_fork_prepare(void);
void attach_fork_release(bool held, bool child);

#endif
