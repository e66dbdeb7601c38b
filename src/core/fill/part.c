/* SPDX-License-Identifier: MIT */
#include "core/fill/part.h"

#include <errno.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/space/extent.h"
#include "core/index/verify.h"

void parts_find(struct rawcache *cache, const struct file *file, uint64_t chunk, uint32_t first,
		uint32_t last, struct parts *parts)
{
	parts_init(cache, file->size, chunk, parts);
	for (uint32_t i = first; i <= last && i < parts->count; i++) {
		parts->key[i] = part_key(cache, &file->key, chunk, i);
		if (!extent_find(cache, &parts->key[i], part_length(parts, i), &parts->found[i]))
			continue;
		index_visit(cache, parts->found[i].number);
		parts->present |= 1u << i;
	}
}

static uint32_t parts_mask(uint32_t first, uint32_t last)
{
	return (uint32_t)((UINT64_C(2) << last) - (UINT64_C(1) << first));
}

static ssize_t part_copy(struct rawcache *cache, const struct found *found, uint32_t skip,
			 char *buf, uint32_t n)
{
	ssize_t got = image_pread(&cache->image, found->page, skip, buf, n);

	if (got == -EFAULT)
		return got;
	return got == (ssize_t)n && verify_current(cache, found) ? got : -EAGAIN;
}

ssize_t parts_read(struct rawcache *cache, const struct file *file, const struct want *want)
{
	uint32_t first = want->skip / PART_BYTES;
	uint32_t last = (want->skip + want->length - 1) / PART_BYTES;
	struct parts parts;
	uint32_t done = 0;

	if (want->length > PART_WANT_MAX || file->size <= cache->chunk_bytes)
		return -EAGAIN;
	parts_find(cache, file, want->chunk, first, last, &parts);
	if ((parts.present & parts_mask(first, last)) != parts_mask(first, last))
		return -EAGAIN;
	while (done < want->length) {
		uint32_t at = want->skip + done;
		uint32_t i = at / PART_BYTES;
		uint32_t n = (uint32_t)min_u64(want->length - done, (i + 1) * PART_BYTES - at);
		ssize_t got = part_copy(cache, &parts.found[i], at % PART_BYTES, want->buf + done,
					n);

		if (got < 0)
			return got;
		done += n;
	}
	stats_add(pread_reads, 1);
	stats_add(pread_bytes, done);
	return done;
}

uint32_t parts_choose(const struct parts *parts, const struct want *want, uint32_t *first)
{
	uint32_t from = want->skip / PART_BYTES;
	uint32_t to = (want->skip + want->length - 1) / PART_BYTES;
	uint32_t have = (uint32_t)__builtin_popcount(parts->present);
	uint32_t size = 1;

	while (size < have || from / size != to / size)
		size *= 2;
	*first = from / size * size;
	if (size >= PARTS_MAX || have * 2 >= parts->count)
		*first = 0, size = parts->count;
	to = (uint32_t)min_u64(*first + size, parts->count);
	/* parts that are stored need not be fetched again at either end */
	if (to - *first == parts->count)
		return parts->count;
	while (parts->present & 1u << *first && *first < from)
		++*first;
	while (parts->present & 1u << (to - 1) && to - 1 > from)
		to--;
	return to - *first;
}

uint32_t parts_gather(struct rawcache *cache, const struct parts *parts, char *buf)
{
	uint32_t gathered = 0;

	for (uint32_t i = 0; i < parts->count; i++) {
		const struct found *found = &parts->found[i];
		char *at = buf + i * PART_BYTES;
		uint32_t n = part_length(parts, i);

		if (!(parts->present & 1u << i) || image_read(&cache->image, found->page, 0, at, n))
			continue;
		/* the checksum also tells whether the region was recycled meanwhile */
		if (XXH3_64bits_withSeed(at, n, parts->key[i].low) == found->checksum)
			gathered |= 1u << i;
	}
	return gathered;
}
