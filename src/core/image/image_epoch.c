/* SPDX-License-Identifier: MIT */
/* The epochs of an image: one for each boot of the machine in which the image is used. */
#include <errno.h>
#include <string.h>

#include "base/crash.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/image/image.h"
#include "core/image/superblock.h"

bool image_epoch_current(const struct image *image, const uint8_t boot_id[16])
{
	return !memcmp(image->sb.boot_id, boot_id, 16);
}

int image_refresh(struct image *image)
{
	const size_t volatile_part = offsetof(struct superblock, epoch);
	const size_t constant_part = offsetof(struct superblock, uuid);
	int64_t bytes = image_device_bytes(image->fd);
	struct superblock *sb;
	const char *why;
	int err;

	if (bytes < 0)
		return (int)bytes;
	sb = memory_get(sizeof(*sb)); /* not on the stack: see superblock_checksum() */
	if (!sb)
		return -ENOMEM;
	err = superblock_read(image->fd, (uint64_t)bytes, sb, &why);
	/* the image was made anew since it was mapped: the mappings are wrong */
	if (!err && memcmp((char *)sb + constant_part, (char *)&image->sb + constant_part,
			   volatile_part - constant_part))
		err = -ESTALE;
	if (!err)
		image->sb = *sb;
	memory_put(sb, sizeof(*sb));
	return err;
}

/* After 255 boots the epoch's number in entries repeats: no entry may carry it already. */
static void entries_forget_epoch(struct image *image, uint32_t epoch)
{
	for (uint64_t n = 0; n < (uint64_t)image->sb.bucket_count * BUCKET_ENTRIES; n++) {
		struct entry *entry = &image->buckets[n / BUCKET_ENTRIES].entry[n % BUCKET_ENTRIES];

		if ((entry->place >> ENTRY_EPOCH_SHIFT & 0xff) == epoch)
			entry->place = 0;
	}
}

static int epoch_write(struct image *image)
{
	if (!image->block_device && !sys_file_size_allowed(FORMAT_STATE))
		return -EFBIG;
	/* a lost copy may have been one epoch ahead, and entries of that one must not be trusted */
	image->sb.epoch += superblock_both_valid(image->fd, image->sb.image_bytes) ? 1 : 2;
	if (image->sb.epoch >= 255)
		entries_forget_epoch(image, format_epoch(image->sb.epoch));
	CRASH_POINT(epoch_begin);
	return superblock_write(image->fd, &image->sb);
}

int image_epoch_begin(struct image *image, const uint8_t boot_id[16])
{
	if (image_epoch_current(image, boot_id))
		return 0;
	memcpy(image->sb.boot_id, boot_id, 16);
	return epoch_write(image);
}

int image_epoch_next(struct image *image)
{
	int err = image_refresh(image);

	return err ? err : epoch_write(image);
}
