/* SPDX-License-Identifier: MIT */
/* What the cache holds of a file, without reading or changing any of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rawcache/embed.h>
#include <rawcache/file.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/guard.h"
#include "core/origin/file.h"
#include "core/index/parts.h"
#include "core/tier/identity.h"
#include "core/tier/seal.h"
#include "core/tier/servers.h"
#include "core/tier/setup.h"

/* The extent of `key`, as a reader would judge it but for its checksum. */
static bool extent_usable(struct rawcache *cache, const struct key *key, uint64_t length,
			  struct found *found)
{
	uint32_t ttl = cache->options.ttl;

	return index_find(cache, key, found) && found->length == length &&
	       (!ttl || clock_real_s() < found->stored + ttl);
}

static void extent_count(struct rawcache_file_state *state, const struct found *found)
{
	state->bytes_cached += found->length;
	if (!state->stored || found->stored < state->stored)
		state->stored = found->stored;
}

static void parts_explain(struct rawcache *cache, const struct file *file, uint64_t number,
			  uint64_t length, struct rawcache_file_state *state)
{
	struct found found;

	for (uint32_t i = 0; i * (uint64_t)PART_BYTES < length; i++) {
		struct key key = part_key(cache, &file->key, number, i);
		uint64_t bytes = min_u64(PART_BYTES, length - i * (uint64_t)PART_BYTES);

		if (extent_usable(cache, &key, bytes, &found))
			extent_count(state, &found);
	}
}

static void chunk_explain(struct rawcache *cache, const struct file *file, uint64_t number,
			  struct rawcache_file_state *state)
{
	struct key key = key_of_chunk(&cache->image.sb, &file->key, number);
	uint64_t length = min_u64(cache->chunk_bytes, file->size - number * cache->chunk_bytes);
	struct found found;

	if (!extent_usable(cache, &key, length, &found)) {
		parts_explain(cache, file, number, length, state);
		return;
	}
	state->chunks_cached++;
	extent_count(state, &found);
}

static int file_explain(struct rawcache *cache, int fd, const char *path, const struct statx *stx,
			struct rawcache_file_state *state, enum rawcache_reason *reason)
{
	struct file *file;
	uint64_t handle;
	int err;

	memset(state, 0, sizeof(*state));
	err = rawcache_file_open(cache, fd, path, stx, &handle, reason);
	if (err)
		return err;
	file = file_at(cache, handle); /* the handle is ours: it stays what it is */
	state->key[0] = file->key.high;
	state->key[1] = file->key.low;
	state->size = file->size;
	state->chunk_size = cache->chunk_bytes;
	state->chunks = div_up(file->size, cache->chunk_bytes);
	for (uint64_t i = 0; i < state->chunks; i++)
		chunk_explain(cache, file, i, state);
	rawcache_file_put(cache, handle);
	if (reason)
		*reason = RAWCACHE_REASON_none;
	return 0;
}

/* The thread blocks the signals of faults, perhaps: those in the index are ours. */
int rawcache_file_explain(struct rawcache *cache, int fd, const char *path,
			  const struct statx *stx, struct rawcache_file_state *state,
			  enum rawcache_reason *reason)
{
	struct guard_window window;
	int err;

	guard_open(&window);
	err = file_explain(cache, fd, path, stx, state, reason);
	guard_close(&window);
	return err;
}

static int tier_place(struct rawcache *cache, struct setup *setup, uint64_t handle, int fd,
		      struct rawcache_tier_place *place, const char **why)
{
	static const uint64_t none[2];
	struct file *file = file_at(cache, handle);
	uint32_t server;

	if (!identity_make(setup, file, fd, 0, cache->chunk_bytes, none, place->key)) {
		*why = !identity_may(file) ? "it is below 64 KiB, on a packed file system, or of no named data set" :
					     "it changed a moment ago";
		return -ENOENT;
	}
	server = servers_choose(&setup->servers, place->key);
	snprintf(place->data_set, sizeof(place->data_set), "%s", setup->name[file->tier.name].name);
	snprintf(place->server, sizeof(place->server), "%s", setup->servers.server[server].text);
	return 0;
}

int rawcache_tier_place(struct rawcache *cache, const struct rawcache_options *options, int fd, const char *path,
			const struct statx *stx, struct rawcache_tier_place *place, const char **why)
{
	static struct setup setup;
	uint64_t handle;
	int err = setup_read(options, &setup, why);

	if (err)
		return -EINVAL;
	*why = "libsodium.so.23 is not there: install libsodium23";
	if (seal_load(&setup.loader, setup.secret))
		return -EINVAL;
	*why = "it is not cached either";
	if (rawcache_file_open(cache, fd, path, stx, &handle, NULL))
		return -ENOENT;
	err = tier_place(cache, &setup, handle, fd, place, why);
	rawcache_file_put(cache, handle);
	return err;
}
