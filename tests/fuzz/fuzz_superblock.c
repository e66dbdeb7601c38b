/* SPDX-License-Identifier: MIT */
/* The decoder of superblocks: changes to a good one, with a checksum that fits all the same. */
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "core/image/superblock.h"
#include "fuzz.h"

#define BYTES (UINT64_C(64) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct superblock sb = { .version = FORMAT_VERSION, .bytes = sizeof(sb) };
	const char *why = NULL;

	memcpy(sb.magic, FORMAT_MAGIC, 8);
	if (superblock_layout(&sb, BYTES, 0, 0, 0))
		abort();
	/* all fields lie in the first 184 bytes */
	fuzz_overlay(data, n, &sb, n && data[0] & 1 ? 184 : sizeof(sb), 1);
	if (n > 1 && data[1] & 1)
		superblock_decode(&sb, BYTES, &why);
	sb.checksum = 0;
	sb.checksum = XXH3_64bits(&sb, sizeof(sb));
	if (superblock_decode(&sb, BYTES, &why)) {
		if (!why)
			abort();
		return 0;
	}
	/* what is accepted can be mapped and indexed without a further look */
	if (!range_inside(sb.data_offset, (uint64_t)sb.region_count << sb.region_shift, BYTES) ||
	    !range_inside(sb.index_offset, (uint64_t)sb.bucket_count * sizeof(struct bucket),
			  sb.data_offset) ||
	    !range_inside(sb.region_table_offset, (uint64_t)sb.region_count * sizeof(struct region),
			  sb.index_offset) ||
	    sb.chunk_shift > sb.region_shift)
		abort();
	return 0;
}
