/* SPDX-License-Identifier: MIT */
/* What the cache holds of a file, without reading or changing any of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rawcache/embed.h>
#include <rawcache/file.h>

#include "base/checked.h"
#include "base/fault_mask.h"
#include "core/origin/file.h"
#include "core/index/parts.h"
#include "core/index/verify.h"
#include "core/tier/identity.h"
#include "core/tier/seal.h"
#include "core/tier/servers.h"
#include "core/tier/setup.h"

/* Adds an extent as a reader would judge it, except for its checksum. */
struct file_explained {
	struct rawcache *cache;
	struct rawcache_file_state *state;
};

static bool extent_explain(void *arg, const struct chunk_extent *extent)
{
	struct file_explained *explain = arg;
	struct rawcache_file_state *state = explain->state;
	const struct found *found = &extent->found;

	if (found->length != extent->length || verify_expired(explain->cache, found))
		return false;
	state->chunks_cached += extent->whole;
	state->bytes_cached += found->length;
	if (!state->stored || found->stored < state->stored)
		state->stored = found->stored;
	return extent->whole;
}

static void key_explain(struct rawcache *cache, const struct key *key, uint64_t size,
			struct rawcache_file_state *state)
{
	struct file_explained explain = { cache, state };

	memset(state, 0, sizeof(*state));
	state->key[0] = key->high;
	state->key[1] = key->low;
	state->size = size;
	state->chunk_size = cache->chunk_bytes;
	state->chunks = div_up(size, cache->chunk_bytes);
	for (uint64_t i = 0; i < state->chunks; i++)
		chunk_each_extent(cache, key, size, i, extent_explain, &explain);
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
	file = file_at(cache, handle); /* the handle is ours, so the object does not change */
	key_explain(cache, &file->key, file->size, state);
	rawcache_file_put(cache, handle);
	if (reason)
		*reason = RAWCACHE_REASON_none;
	return 0;
}

/* The thread may block the signals of faults: the window opens them for faults in the index. */
int rawcache_file_explain(struct rawcache *cache, int fd, const char *path, const struct statx *stx,
			  struct rawcache_file_state *state, enum rawcache_reason *reason)
{
	struct fault_window window;
	int err;

	fault_window_open(&window);
	err = file_explain(cache, fd, path, stx, state, reason);
	fault_window_close(&window);
	return err;
}

bool rawcache_file_key(struct rawcache *cache, uint64_t handle, uint64_t key[2])
{
	struct file *file = file_at(cache, handle);

	if (!file || !file_hold(cache, file, handle))
		return false;
	key[0] = file->key.high;
	key[1] = file->key.low;
	file_release(cache, file);
	return true;
}

uint64_t rawcache_key_cached(struct rawcache *cache, const uint64_t key[2], uint64_t size)
{
	struct key of = { .high = key[0], .low = key[1] };
	struct rawcache_file_state state;
	struct fault_window window;

	fault_window_open(&window);
	key_explain(cache, &of, size, &state);
	fault_window_close(&window);
	return state.bytes_cached;
}

static int tier_place(struct rawcache *cache, struct setup *setup, uint64_t handle, int fd,
		      struct rawcache_tier_place *place, const char **why)
{
	static const uint64_t none[2];
	struct file *file = file_at(cache, handle);
	uint32_t server;

	if (!identity_make(setup, file, fd, 0, cache->chunk_bytes, none, place->key)) {
		*why = !identity_may(file) ?
			       "it is below 64 KiB, on a packed file system, or of no named data set" :
			       "it changed a moment ago";
		return -ENOENT;
	}
	server = servers_choose(&setup->servers, place->key);
	snprintf(place->data_set, sizeof(place->data_set), "%s", setup->name[file->tier.name].name);
	snprintf(place->server, sizeof(place->server), "%s", setup->servers.server[server].text);
	return 0;
}

int rawcache_tier_place(struct rawcache *cache, const struct rawcache_options *options, int fd,
			const char *path, const struct statx *stx,
			struct rawcache_tier_place *place, const char **why)
{
	static large_table struct setup setup;
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
