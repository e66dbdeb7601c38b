/* SPDX-License-Identifier: MIT */
/*
 * A mapped image whose region table and index are overwritten under a running program: nothing
 * outside the image is touched. Bytes are checked with RAWCACHE_VERIFY=always only, and not
 * here: whoever can write the image can forge them (docs/security.md).
 */
#include "core/index/index.h"
#include "fuzz.h"
#include "fuzz_engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rawcache *cache = fuzz_cache();
	size_t table = cache->image.sb.region_count * sizeof(struct region);
	size_t index = cache->image.sb.bucket_count * sizeof(struct bucket);

	if (!n)
		return 0;
	if (data[0] & 1)
		fuzz_overlay(data + 1, n - 1, cache->image.regions, table, 4);
	else
		fuzz_overlay(data + 1, n - 1, cache->image.buckets, index, 8);
	fuzz_use(cache, false);
	/* an error of one input must not hide the next */
	cache->broken = 0;
	return 0;
}
