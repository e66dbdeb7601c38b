/* SPDX-License-Identifier: MIT */
/*
 * Mappings and writers tell each other of themselves. The runtime segment has a row of bits for each
 * process slot: which files it has mapped from the image, and which it writes to. A file's bit
 * follows from the place of its writer generation (file.h), so that a few files share one.
 *
 * A process that maps a file sets the bit, full fence, checks the generation and the rows of writers. A process
 * that changes a file raises the generation, full fence, and checks the rows of mappings: one of the two sees the
 * other (INV-7). A writer that finds a bit asks for an answer of that process and waits for it, and
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

/*
 * Call when this process has taken a slot: enters the files that it maps and writes to into the slot's row.
 */
void watch_begin(struct rawcache *cache, uint32_t slot);
void watch_end(struct rawcache *cache);

/* Call when the process of a slot is gone. */
void watch_clear(struct rawcache *cache, uint32_t slot);

/*
 * watch_show(): this process maps one more piece of the file whose writer generation is `writer` from the
 * image; watch_hide(): one less. watch_show() returns 0, or -EROFS or -ENOMEM: then no writer would tell us
 * of a change, and the piece must not be mapped. Both in a critical section of the caller's.
 */
int watch_show(struct rawcache *cache, const uint32_t *writer);
void watch_hide(struct rawcache *cache, const uint32_t *writer);

/* How a process writes: by calls, each of which is announced, or by stores, which are not. */
enum watch_way { WATCH_CALLS, WATCH_STORES };

/* Whether a process has the file open for writing, or mapped shared and writable, by `way`. */
bool watch_written(struct rawcache *cache, const uint32_t *writer, enum watch_way way);

/* Whether this process has any file mapped shared and writable. */
bool watch_stores(const struct rawcache *cache);

/*
 * watch_write(): this process has one more descriptor or mapping that writes to the file; watch_write_end(): one
 * less. The caller has a slot, and must call watch_demand() after watch_write().
 */
void watch_write(struct rawcache *cache, const uint32_t *writer, enum watch_way way);
void watch_write_end(struct rawcache *cache, const uint32_t *writer, enum watch_way way);

/*
 * Call after raising the generation. Returns when no running process maps the file from the image any more.
 */
void watch_demand_slow(struct rawcache *cache, const uint32_t *writer);
static inline void watch_demand(struct rawcache *cache, const uint32_t *writer)
{
	uint32_t bit = (uint32_t)(writer - cache->runtime.writers) % WATCH_SHOWN;

	fence_full(); /* pairs with that of recall_show() */
	if (unlikely(load_relaxed(&cache->runtime.watch->shown[bit / 64]) >> bit % 64 & 1))
		watch_demand_slow(cache, writer);
}

/* Wake all watchers without waiting for them: for the watcher thread itself. */
void watch_tell(struct rawcache *cache);

/*
 * For the watcher: watch_seen() returns the number of demands so far; watch_answer() says that all up to
 * `seen` are answered.
 */
uint32_t watch_seen(const struct rawcache *cache);
void watch_answer(struct rawcache *cache, uint32_t seen);

/* Sleep until there is a demand after `seen`, or for `ms` milliseconds. */
void watch_sleep(struct rawcache *cache, uint32_t seen, uint64_t ms);

#endif
