/* SPDX-License-Identifier: MIT */
#include "core/index/verify.h"

#include <errno.h>

#include <rawcache/image.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/buffer.h"

bool verify_current(const struct rawcache *cache, const struct found *found)
{
	return generation_after(&cache->image, found->page) == found->generation;
}

int verify_bytes(struct rawcache *cache, const struct key *key, const struct found *found)
{
	char *buf = buffer_get();
	XXH3_state_t state;
	int err = 0;

	if (!buf)
		return -ENOMEM;
	XXH3_INITSTATE(&state); /* see key_begin() */
	XXH3_64bits_reset_withSeed(&state, key->low);
	for (uint64_t done = 0; done < found->length && !err;) {
		size_t n = min_u64(found->length - done, BUFFER_BYTES);

		err = image_read(&cache->image, found->page, done, buf, n);
		XXH3_64bits_update(&state, buf, n);
		done += n;
	}
	buffer_put(buf);
	if (!verify_current(cache, found))
		return -ESTALE;
	return err ? err : XXH3_64bits_digest(&state) == found->checksum;
}

bool verify_expired(const struct rawcache *cache, const struct found *found)
{
	return cache->options.ttl && clock_real_s() >= found->stored + cache->options.ttl;
}

bool verify_due(const struct rawcache *cache, const struct found *found)
{
	switch (cache->options.verify) {
	case RAWCACHE_VERIFY_ALWAYS:
		return true;
	case RAWCACHE_VERIFY_NEVER:
		return false;
	default:
		return found->epoch != cache_trusted(cache);
	}
}

int verify_damaged(struct rawcache *cache, const struct key *key, const struct found *found,
		   int err)
{
	stats_add(verify_failed, 1);
	if (err == -EIO)
		stats_add(io_errors, 1);
	log_warn("an extent of %u bytes at page %u is damaged: dropped", found->length,
		 found->page);
	index_remove(cache, key, found);
	return err;
}

bool verify_extent(struct rawcache *cache, const struct key *key, const struct found *found)
{
	int right = verify_bytes(cache, key, found);

	if (right == 1) {
		stats_add(verify_ok, 1);
		if (found->epoch != cache_trusted(cache))
			index_trust(cache, key, found);
		return true;
	}
	if (right < 0 && right != -EIO)
		return false;
	verify_damaged(cache, key, found, right);
	return false;
}

/* --- all of them */

struct verify_all {
	struct rawcache *cache;
	struct rawcache_verify_result *result;
	bool (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	uint64_t total;
};

static bool verify_visit(void *arg, const struct key *key, const struct found *found)
{
	struct verify_all *all = arg;
	int right = verify_bytes(all->cache, key, found);

	if (right != -ESTALE) {
		all->result->extents++;
		all->result->bytes += found->length;
	}
	if (right == 0 || right == -EIO) {
		all->result->bad++;
		index_remove(all->cache, key, found);
	}
	return !all->progress || all->progress(all->arg, found->number, all->total);
}

int rawcache_verify(struct rawcache *cache, struct rawcache_verify_result *result,
		    bool (*progress)(void *arg, uint64_t done, uint64_t total), void *arg)
{
	struct verify_all all = {
		.cache = cache,
		.result = result,
		.progress = progress,
		.arg = arg,
		.total = (uint64_t)cache->image.sb.bucket_count * BUCKET_ENTRIES,
	};

	*result = (struct rawcache_verify_result){ 0 };
	index_walk(cache, verify_visit, &all, &result->stale, &result->broken);
	return 0;
}
