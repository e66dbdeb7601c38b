/* SPDX-License-Identifier: MIT */
#include "core/image/superblock.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/sys.h"

/* In an image of the default size. */
#define REGIONS_WANTED 128u

/*
 * No superblock may lie on the stack: a program's first open comes here on whatever stack it has, perhaps
 * one of 16 KiB.
 */
static uint64_t superblock_checksum(const struct superblock *sb)
{
	static const uint8_t zeros[sizeof(sb->checksum)];
	const size_t before = offsetof(struct superblock, checksum);
	const size_t after = before + sizeof(zeros);
	XXH3_state_t state;

	XXH3_INITSTATE(&state); /* see key_begin() */
	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, sb, before);
	XXH3_64bits_update(&state, zeros, sizeof(zeros));
	XXH3_64bits_update(&state, (const char *)sb + after, sizeof(*sb) - after);
	return XXH3_64bits_digest(&state);
}

static bool superblock_geometry_valid(const struct superblock *sb, uint64_t device_bytes)
{
	uint64_t table = (uint64_t)sb->region_count * sizeof(struct region);
	uint64_t index = (uint64_t)sb->bucket_count * sizeof(struct bucket);
	uint64_t pages;

	if (sb->bytes != sizeof(*sb) || sb->image_bytes > device_bytes)
		return false;
	if (sb->region_shift < log2_floor(FORMAT_REGION_MIN) ||
	    sb->region_shift > log2_floor(FORMAT_REGION_MAX))
		return false;
	if (sb->chunk_shift < 16 || sb->chunk_shift > 18)
		return false;
	if (sb->region_count < FORMAT_REGIONS_MIN || !sb->bucket_count)
		return false;
	if (sb->region_table_offset != FORMAT_REGION_TABLE)
		return false;
	if (sb->data_offset % FORMAT_DATA_ALIGN || sb->index_offset % FORMAT_PAGE)
		return false;
	if (!range_inside(sb->region_table_offset, table, sb->index_offset) ||
	    !range_inside(sb->index_offset, index, sb->data_offset))
		return false;
	pages = ((uint64_t)sb->region_count << sb->region_shift) >> FORMAT_PAGE_SHIFT;
	if (pages > UINT32_MAX)
		return false;
	if (sb->incompatible & FORMAT_REINSERT &&
	    (sb->page_buckets_offset % FORMAT_PAGE ||
	     sb->page_buckets_offset < sb->index_offset + index ||
	     !range_inside(sb->page_buckets_offset, pages * sizeof(uint32_t), sb->data_offset)))
		return false;
	return range_inside(sb->data_offset, (uint64_t)sb->region_count << sb->region_shift,
			    sb->image_bytes);
}

int superblock_decode(const struct superblock *raw, uint64_t device_bytes, const char **why)
{
	if (memcmp(raw->magic, FORMAT_MAGIC, sizeof(raw->magic))) {
		*why = "it is not an image of rawcache";
		return -EMEDIUMTYPE;
	}
	if (raw->version > FORMAT_VERSION) {
		*why = "it was made by a newer version of rawcache";
		return -EPROTONOSUPPORT;
	}
	if (raw->checksum != superblock_checksum(raw)) {
		*why = "its superblock is damaged";
		return -EINVAL;
	}
	if (raw->incompatible & ~FORMAT_INCOMPATIBLE_KNOWN) {
		*why = "it uses features that this version of rawcache does not know";
		return -EPROTONOSUPPORT;
	}
	if (!raw->version || !superblock_geometry_valid(raw, device_bytes)) {
		*why = raw->image_bytes > device_bytes ? "it was truncated" :
							 "its superblock describes no valid layout";
		return -EINVAL;
	}
	return 0;
}

/*
 * Whether a copy counts in the choice: one that is right, or an intact one of another version. The sequence
 * and the checksum have the same offsets in all versions.
 */
static bool superblock_counts(const struct superblock *raw, int err)
{
	return !err || (err == -EPROTONOSUPPORT && raw->checksum == superblock_checksum(raw));
}

/*
 * What a copy can be, in the order of how much it says about the image. Of two equal ones the first
 * decides.
 */
enum weight {
	SUPERBLOCK_TOO_SHORT,
	SUPERBLOCK_FOREIGN,
	SUPERBLOCK_DAMAGED,
	SUPERBLOCK_NEWER_DAMAGED,
	SUPERBLOCK_UNREADABLE,
	SUPERBLOCK_COUNTS, /* see superblock_counts(); of two such copies the one with the higher sequence decides */
};

struct verdict {
	enum weight weight;
	int err;
	const char *why;
	uint64_t sequence;
};

/* `n` is what pread() has returned. */
static struct verdict superblock_judge(const struct superblock *raw, ssize_t n,
				       uint64_t device_bytes)
{
	struct verdict verdict = { SUPERBLOCK_TOO_SHORT, -EMEDIUMTYPE,
				   "it is too short for an image of rawcache", 0 };

	if (n < 0)
		return (struct verdict){ SUPERBLOCK_UNREADABLE, (int)n, "it cannot be read", 0 };
	if (n != (ssize_t)sizeof(*raw))
		return verdict;
	verdict.err = superblock_decode(raw, device_bytes, &verdict.why);
	verdict.sequence = raw->sequence;
	if (superblock_counts(raw, verdict.err))
		verdict.weight = SUPERBLOCK_COUNTS;
	else if (verdict.err == -EPROTONOSUPPORT)
		verdict.weight = SUPERBLOCK_NEWER_DAMAGED;
	else
		verdict.weight = verdict.err == -EMEDIUMTYPE ? SUPERBLOCK_FOREIGN :
							       SUPERBLOCK_DAMAGED;
	return verdict;
}

static bool verdict_beats(const struct verdict *a, const struct verdict *b)
{
	if (a->weight != b->weight)
		return a->weight > b->weight;
	return a->weight == SUPERBLOCK_COUNTS && a->sequence > b->sequence;
}

/* Both copies, which lie side by side, at once; or one by one, because one of them may be unreadable. */
static void superblocks_read(int fd, struct superblock raw[2], ssize_t n[2])
{
	static_assert(FORMAT_SUPERBLOCK_B == FORMAT_SUPERBLOCK_A + sizeof(*raw), "superblocks");

	n[0] = sys_pread(fd, raw, 2 * sizeof(*raw), FORMAT_SUPERBLOCK_A);
	if (n[0] == 2 * (ssize_t)sizeof(*raw)) {
		n[0] = n[1] = sizeof(*raw);
		return;
	}
	n[0] = sys_pread(fd, &raw[0], sizeof(*raw), FORMAT_SUPERBLOCK_A);
	n[1] = sys_pread(fd, &raw[1], sizeof(*raw), FORMAT_SUPERBLOCK_B);
}

static int superblock_choose(int fd, uint64_t device_bytes, struct superblock raw[2],
			     struct superblock *sb, const char **why)
{
	struct verdict verdict[2];
	ssize_t n[2];
	int best;

	superblocks_read(fd, raw, n);
	for (int i = 0; i < 2; i++)
		verdict[i] = superblock_judge(&raw[i], n[i], device_bytes);
	best = verdict_beats(&verdict[1], &verdict[0]);
	if (!verdict[best].err)
		*sb = raw[best];
	*why = verdict[best].why;
	return verdict[best].err;
}

int superblock_read(int fd, uint64_t device_bytes, struct superblock *sb, const char **why)
{
	struct superblock *raw = memory_get(2 * sizeof(*raw));
	int err;

	*why = "there is no memory";
	if (!raw)
		return -ENOMEM;
	err = superblock_choose(fd, device_bytes, raw, sb, why);
	memory_put(raw, 2 * sizeof(*raw));
	return err;
}

bool superblock_both_valid(int fd, uint64_t device_bytes)
{
	struct superblock *raw = memory_map(sizeof(*raw));
	const char *why;
	bool valid;

	valid = raw && sys_pread(fd, raw, sizeof(*raw), FORMAT_SUPERBLOCK_A) == sizeof(*raw) &&
		!superblock_decode(raw, device_bytes, &why) &&
		sys_pread(fd, raw, sizeof(*raw), FORMAT_SUPERBLOCK_B) == sizeof(*raw) &&
		!superblock_decode(raw, device_bytes, &why);
	if (raw)
		memory_unmap(raw, sizeof(*raw));
	return valid;
}

int superblock_write(int fd, struct superblock *sb)
{
	uint64_t offset;
	ssize_t n;

	sb->sequence++;
	sb->checksum = superblock_checksum(sb);
	offset = sb->sequence & 1 ? FORMAT_SUPERBLOCK_A : FORMAT_SUPERBLOCK_B;
	n = sys_pwrite(fd, sb, sizeof(*sb), offset);
	if (n < 0)
		return (int)n;
	return n == (ssize_t)sizeof(*sb) ? sys_fdatasync(fd) : -EIO;
}

/*
 * The default region size. Some four regions lie idle at any time (being filled, being emptied, or
 * waiting): they shall be at most a thirtieth of the image, but a region has at least 2 MiB, which a folio
 * or an object may have. In any case there are at least sixteen regions.
 */
static uint32_t region_default(uint64_t bytes)
{
	uint64_t region = FORMAT_REGION_DEFAULT;

	while (region > FORMAT_DATA_ALIGN && bytes < region * REGIONS_WANTED)
		region /= 2;
	while (region > FORMAT_REGION_MIN &&
	       bytes < region * FORMAT_REGIONS_MIN + FORMAT_DATA_ALIGN)
		region /= 2;
	return (uint32_t)region;
}

int superblock_layout(struct superblock *sb, uint64_t bytes, uint32_t region_bytes,
		      uint32_t chunk_bytes, uint32_t object_bytes)
{
	uint64_t region = region_bytes ? region_bytes : region_default(bytes);
	uint64_t chunk = chunk_bytes ? chunk_bytes : FORMAT_CHUNK_MAX;
	uint64_t object = object_bytes ? object_bytes : FORMAT_OBJECT_DEFAULT;
	uint64_t entries = bytes / object * 7 / 4;
	uint64_t buckets = max_u64(entries / BUCKET_ENTRIES, 16);
	uint64_t table = bytes / region * sizeof(struct region);
	uint64_t index = round_up(FORMAT_REGION_TABLE + table, FORMAT_PAGE);
	uint64_t page_buckets = round_up(index + buckets * sizeof(struct bucket), FORMAT_PAGE);
	uint64_t data = round_up(page_buckets + bytes / FORMAT_PAGE * sizeof(uint32_t),
				 FORMAT_DATA_ALIGN);
	uint64_t regions = data < bytes ? (bytes - data) / region : 0;

	if (regions < FORMAT_REGIONS_MIN || regions > UINT32_MAX || buckets > UINT32_MAX ||
	    regions * (region >> FORMAT_PAGE_SHIFT) > UINT32_MAX)
		return -EINVAL;
	sb->image_bytes = bytes;
	sb->region_table_offset = FORMAT_REGION_TABLE;
	sb->index_offset = index;
	sb->page_buckets_offset = page_buckets;
	sb->incompatible |= FORMAT_REINSERT;
	sb->data_offset = data;
	sb->region_count = (uint32_t)regions;
	sb->bucket_count = (uint32_t)buckets;
	sb->region_shift = log2_floor(region);
	sb->chunk_shift = log2_floor(chunk);
	return 0;
}
