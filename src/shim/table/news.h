/* SPDX-License-Identifier: MIT */
/*
 * Changes of files of which a program hears past its reads: it has mapped the file, and sees in its pages at once what
 * others write; or the kernel tells it of changes (inotify, fanotify, leases). What it reads next must not be older, so
 * each read of such a file looks at the attributes (look.h), also where none is due yet.
 *
 * Files are hashed by device and inode: those that share a place look more often than they need to. A mark stays
 * for the life of the process.
 */
#ifndef SHIM_NEWS_H
#define SHIM_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct statx;

extern uint32_t news_known; /* 0: of no file */

/* The program maps this file. */
void news_mapped(const struct statx *stx);

/* The kernel tells the program of changes of any file. */
void news_any(void);

bool news_of_slow(const struct statx *stx);
static inline bool news_of(const struct statx *stx)
{
	return unlikely(load_relaxed(&news_known)) && news_of_slow(stx);
}

#endif
