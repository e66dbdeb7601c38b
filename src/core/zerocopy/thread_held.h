/* SPDX-License-Identifier: MIT */
/*
 * What a thread holds while it makes a mapping or a transfer. A signal handler may leave either by siglongjmp(), or the
 * thread may be cancelled: then the thread's next call releases it, or rawcache_thread_recover().
 */
#ifndef CORE_THREAD_HELD_H
#define CORE_THREAD_HELD_H

#include "base/compiler.h"
#include "core/origin/file.h"
#include "core/zerocopy/map_piece.h"

/*
 * For a mapping. The thread can leave it only while a chunk is fetched: all else is done with signals held
 * back.
 */
struct map_build {
	struct rawcache *cache; /* NULL: nothing */
	struct file *file;
	struct shown *shown; /* NULL: not wanted */
	/* held pieces, in order; they begin at 0 until the address is known */
	struct map_piece *pieces;
};
extern tls_initial struct map_build map_build;

void map_build_begin(struct rawcache *cache, struct file *file);
void map_build_finish(void);

/* For a transfer. */
struct transfer_held {
	struct rawcache *cache; /* NULL: no transfer is under way */
	struct file *file;	/* with a reference; NULL: none */
	int pin;		/* -1: none */
};
extern tls_initial struct transfer_held transfer_held;

/* Begin a transfer. Releases what an abandoned one holds. */
void held_begin(struct rawcache *cache, struct file *file);
void held_unpin(struct rawcache *cache);

/* End it: release what it holds still. */
void held_end(void);

#endif
