/* SPDX-License-Identifier: MIT */
/*
 * Mappings and writers tell each other of themselves. The runtime segment has a row of bits for each
 * process slot: which files it has mapped from the image, and which it writes to. A file's bit
 * follows from the place of its writer generation (file.h), so that a few files share one.
 *
 * Who maps sets the bit, full fence, looks at the generation and at the rows of writers. Who changes
 * a file raises the generation, full fence, and looks at the rows of mappings: one of the two sees the
 * other. A writer that finds a bit asks for an answer of that process and waits for it, and
 * changes the file when nobody shows its old bytes any more. The watcher (watcher.h) answers.
 *
 * A process that does not answer within WATCH_PATIENCE_MS is stopped: it is waited for once, and
 * shows old bytes until its watcher runs again.
 */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/patience.h"
#include "core/shared/cache.h"


/* Our row is ours again, in a slot that is new: what the process has open and mapped stands in it. */
void watch_begin(struct rawcache *cache, uint32_t slot);
void watch_end(struct rawcache *cache);

/* The process of a slot is gone. */
void watch_clear(struct rawcache *cache, uint32_t slot);

/*
 * The file whose writer generation this is becomes mapped from the image, or one mapping less is.
 * The first: 0, or -EROFS, -ENOMEM: nobody would tell us of a change.
 */
int watch_show(struct rawcache *cache, const uint32_t *writer);
void watch_hide(struct rawcache *cache, const uint32_t *writer);

/* How a process writes: by calls, each of which is announced, or by stores, of which nobody hears. */
enum watch_way { WATCH_CALLS, WATCH_STORES };

/* Whether a process has the file open for writing, or mapped shared so that it may store into it. */
bool watch_written(struct rawcache *cache, const uint32_t *writer, enum watch_way way);

/* Whether this process has any file mapped so. */
bool watch_stores(const struct rawcache *cache);

/*
 * The process, which has a slot, begins to write to the file, or a descriptor or mapping less does. Who has
 * begun looks for mappings next: watch_demand().
 */
void watch_write(struct rawcache *cache, const uint32_t *writer, enum watch_way way);
void watch_write_end(struct rawcache *cache, const uint32_t *writer, enum watch_way way);

/* The generation was raised: returns when no process that runs shows the file from the image. */
void watch_demand_slow(struct rawcache *cache, const uint32_t *writer);
static inline void watch_demand(struct rawcache *cache, const uint32_t *writer)
{
	uint32_t bit = (uint32_t)(writer - cache->runtime.writers) % WATCH_SHOWN;

	fence_full(); /* pairs with that of recall_show() */
	if (unlikely(load_relaxed(&cache->runtime.watch->shown[bit / 64]) >> bit % 64 & 1))
		watch_demand_slow(cache, writer);
}

/* The same without waiting, for the watcher itself. */
void watch_tell(struct rawcache *cache);

/* What the watcher has seen of demands, and that it has answered all up to there. */
uint32_t watch_seen(const struct rawcache *cache);
void watch_answer(struct rawcache *cache, uint32_t seen);

/* Sleep until there is another demand, or for so long. */
void watch_sleep(struct rawcache *cache, uint32_t seen, uint64_t ms);

#endif
