/* SPDX-License-Identifier: MIT */
/* What the decoder of the superblock refuses: every field, one at a time. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/image/superblock.h"

#define BYTES (64u << 20)

static struct superblock good;

static void seal(struct superblock *sb)
{
	sb->checksum = 0;
	sb->checksum = XXH3_64bits(sb, sizeof(*sb));
}

static int make_good(void **state)
{
	(void)state;
	memset(&good, 0, sizeof(good));
	memcpy(good.magic, FORMAT_MAGIC, 8);
	good.version = FORMAT_VERSION;
	good.bytes = sizeof(good);
	good.sequence = 1;
	return superblock_layout(&good, BYTES, 0, 0, 0);
}

static int decode(const struct superblock *sb)
{
	const char *why = NULL;
	int err = superblock_decode(sb, BYTES, &why);

	if (err)
		assert_non_null(why);
	return err;
}

#define REFUSED(change, expected) \
	do { \
		struct superblock sb = good; \
\
		change; \
		seal(&sb); \
		assert_int_equal(decode(&sb), expected); \
	} while (0)

static void test_good(void **state)
{
	(void)state;
	REFUSED((void)0, 0);
	REFUSED(sb.compatible = UINT64_MAX, 0);
}

static void test_refusals(void **state)
{
	(void)state;
	REFUSED(sb.magic[0] ^= 1, -EMEDIUMTYPE);
	REFUSED(sb.version = FORMAT_VERSION + 1, -EPROTONOSUPPORT);
	REFUSED(sb.version = 0, -EINVAL);
	REFUSED(sb.bytes = 100, -EINVAL);
	REFUSED(sb.incompatible = UINT64_C(1) << 63, -EPROTONOSUPPORT);
	REFUSED(sb.image_bytes = BYTES + 4096, -EINVAL);
	REFUSED(sb.image_bytes = UINT64_MAX, -EINVAL);
	REFUSED(sb.image_bytes = sb.data_offset, -EINVAL);
	REFUSED(sb.region_table_offset = 0, -EINVAL);
	REFUSED(sb.region_table_offset += 4096, -EINVAL);
	REFUSED(sb.index_offset = 0, -EINVAL);
	REFUSED(sb.index_offset = FORMAT_REGION_TABLE, -EINVAL);
	REFUSED(sb.index_offset += 1, -EINVAL);
	REFUSED(sb.index_offset = UINT64_MAX - 4095, -EINVAL);
	REFUSED(sb.data_offset = sb.index_offset, -EINVAL);
	REFUSED(sb.data_offset += 4096, -EINVAL);
	REFUSED(sb.data_offset = 0, -EINVAL);
	REFUSED(sb.data_offset = BYTES, -EINVAL);
	REFUSED(sb.data_offset = UINT64_MAX - FORMAT_DATA_ALIGN + 1, -EINVAL);
	REFUSED(sb.region_count = 0, -EINVAL);
	REFUSED(sb.region_count = FORMAT_REGIONS_MIN - 1, -EINVAL);
	REFUSED(sb.region_count += 1, -EINVAL);
	REFUSED(sb.region_count = UINT32_MAX, -EINVAL);
	REFUSED(sb.bucket_count = 0, -EINVAL);
	REFUSED(sb.bucket_count = UINT32_MAX, -EINVAL);
	REFUSED(sb.region_shift = 0, -EINVAL);
	REFUSED(sb.region_shift = 18, -EINVAL);
	REFUSED(sb.region_shift = 27, -EINVAL);
	REFUSED(sb.region_shift = 64 + 21, -EINVAL);
	REFUSED(sb.region_shift = UINT32_MAX, -EINVAL);
	REFUSED(sb.chunk_shift = 15, -EINVAL);
	REFUSED(sb.chunk_shift = 19, -EINVAL);
	REFUSED(sb.chunk_shift = UINT32_MAX, -EINVAL);
}

/* Any flipped bit is noticed. */
static void test_flips(void **state)
{
	(void)state;
	seal(&good);
	for (size_t bit = 0; bit < sizeof(good) * 8; bit += 7) {
		struct superblock sb = good;

		((uint8_t *)&sb)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(decode(&sb), 0);
	}
	assert_int_equal(decode(&good), 0);
}

/* Two copies: the newer one counts, a damaged one does not, and either alone is enough. */
static void test_copies(void **state)
{
	const char *path = scratch_path("superblocks");
	int fd = open_or_die(path, O_RDWR | O_CREAT);
	struct superblock sb = good;
	struct superblock read;
	const char *why;

	(void)state;
	assert_int_equal(superblock_read(fd, BYTES, &read, &why), -EMEDIUMTYPE);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	assert_int_equal(superblock_read(fd, BYTES, &read, &why), -EMEDIUMTYPE);
	sb.epoch = 7;
	assert_int_equal(superblock_write(fd, &sb), 0);
	assert_int_equal(superblock_read(fd, BYTES, &read, &why), 0);
	assert_int_equal(read.epoch, 7);
	sb.epoch = 8;
	assert_int_equal(superblock_write(fd, &sb), 0);
	assert_int_equal(superblock_read(fd, BYTES, &read, &why), 0);
	assert_int_equal(read.epoch, 8);
	/* the newer one is hit: the older one is left */
	assert_int_equal(pwrite(fd, "x", 1, (sb.sequence & 1 ? 0 : 4096) + 2000), 1);
	assert_int_equal(superblock_read(fd, BYTES, &read, &why), 0);
	assert_int_equal(read.epoch, 7);
	assert_int_equal(pwrite(fd, "x", 1, (sb.sequence & 1 ? 4096 : 0) + 2000), 1);
	assert_int_equal(superblock_read(fd, BYTES, &read, &why), -EINVAL);
	close(fd);
}

static void put(int fd, const struct superblock *sb, off_t at)
{
	assert_int_equal(pwrite(fd, sb, sizeof(*sb), at), sizeof(*sb));
}

/* The higher sequence decides, also when it is of a version that we cannot read. */
static void test_newer_copy(void **state)
{
	const char *path = scratch_path("newer");
	int fd = open_or_die(path, O_RDWR | O_CREAT);
	const off_t places[2] = { FORMAT_SUPERBLOCK_A, FORMAT_SUPERBLOCK_B };
	struct superblock read;
	const char *why;

	(void)state;
	assert_int_equal(ftruncate(fd, BYTES), 0);
	for (int i = 0; i < 2; i++) {
		struct superblock ours = good;
		struct superblock newer = good;

		ours.sequence = 7;
		newer.sequence = 8;
		newer.version++;
		seal(&ours);
		seal(&newer);
		put(fd, &ours, places[i]);
		put(fd, &newer, places[!i]);
		assert_int_equal(superblock_read(fd, BYTES, &read, &why), -EPROTONOSUPPORT);
		newer.version--;
		newer.incompatible = UINT64_C(1) << 63;
		seal(&newer);
		put(fd, &newer, places[!i]);
		assert_int_equal(superblock_read(fd, BYTES, &read, &why), -EPROTONOSUPPORT);
		/* what is left over from a newer version does not */
		newer.sequence = 6;
		seal(&newer);
		put(fd, &newer, places[!i]);
		assert_int_equal(superblock_read(fd, BYTES, &read, &why), 0);
		assert_int_equal(read.sequence, 7);
		/* nor does damage that looks like a version */
		newer = ours;
		newer.sequence = 8;
		seal(&newer);
		newer.version++;
		put(fd, &newer, places[!i]);
		assert_int_equal(superblock_read(fd, BYTES, &read, &why), 0);
		assert_int_equal(read.sequence, 7);
	}
	close(fd);
}

static void test_layout(void **state)
{
	struct superblock sb = good;

	(void)state;
	for (uint64_t bytes = RAWCACHE_MIN_IMAGE_SIZE; bytes < UINT64_C(1) << 44;
	     bytes += bytes / 3 + 4096) {
		sb = good;
		assert_int_equal(superblock_layout(&sb, bytes, 0, 0, 0), 0);
		seal(&sb);
		assert_int_equal(superblock_decode(&sb, bytes, &(const char *){ NULL }), 0);
		assert_true(sb.region_count >= FORMAT_REGIONS_MIN);
	}
	assert_int_equal(superblock_layout(&sb, 10u << 20, 64u << 20, 0, 0), -EINVAL);
	assert_int_equal(superblock_layout(&sb, 0, 0, 0, 0), -EINVAL);
	assert_int_equal(superblock_layout(&sb, UINT64_MAX, 0, 0, 0), -EINVAL);
}

/* What lies idle in some four regions is little of the image; and an object of 2 MiB fits where it did. */
static void test_region_default(void **state)
{
	static const struct {
		uint64_t mib;
		uint32_t shift;
	} images[] = { { 12, 19 },   { 64, 21 },   { 256, 21 },	   { 512, 22 },
		       { 1024, 23 }, { 4096, 25 }, { 1 << 20, 25 } };
	struct superblock sb;

	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
		memset(&sb, 0, sizeof(sb));
		assert_int_equal(superblock_layout(&sb, images[i].mib << 20, 0, 0, 0), 0);
		assert_int_equal(sb.region_shift, images[i].shift);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good, make_good),
		cmocka_unit_test_setup(test_refusals, make_good),
		cmocka_unit_test_setup(test_flips, make_good),
		cmocka_unit_test_setup(test_copies, make_good),
		cmocka_unit_test_setup(test_newer_copy, make_good),
		cmocka_unit_test_setup(test_layout, make_good),
		cmocka_unit_test(test_region_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
