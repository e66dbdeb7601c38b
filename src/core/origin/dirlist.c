/* SPDX-License-Identifier: MIT */
#include "core/origin/dirlist.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"
#include "base/fstype.h"
#include "base/memory.h"
#include "base/sys.h"

#define BATCH (32u << 10)	 /* what libc asks for at once */
#define NAMES_BYTES (512u << 10) /* 64 bytes a name */

static const size_t dirlist_bytes =
	BATCH + NAMES_BYTES +
	DIRLIST_NAMES * (sizeof(struct listed) + DIRLIST_ORDERS * sizeof(uint32_t));

static const struct listed *at(const struct dirlist *listing, enum dirlist_order order,
			       uint32_t place)
{
	return &listing->listed[listing->by[order][place]];
}

const char *dirlist_name(const struct dirlist *listing, enum dirlist_order order, uint32_t place)
{
	return listing->names + at(listing, order, place)->name;
}

/* One entry as the kernel gives it. */
static int listed_add(struct dirlist *listing, const struct dirent64 *entry, uint32_t *bytes)
{
	size_t n = strlen(entry->d_name) + 1;
	struct listed *listed = &listing->listed[listing->count];

	if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
		return 0;
	if (listing->count == DIRLIST_NAMES || *bytes + n > NAMES_BYTES)
		return -E2BIG;
	memcpy(listing->names + *bytes, entry->d_name, n);
	*listed = (struct listed){ .inode = entry->d_ino,
				   .name = *bytes,
				   .regular = entry->d_type == DT_REG };
	*bytes += (uint32_t)n;
	listing->count++;
	return 0;
}

static int entries_read(struct dirlist *listing, int fd, char *batch)
{
	uint32_t bytes = 0;
	ssize_t n;
	int err = 0;

	while (!err && (n = sys_getdents(fd, batch, BATCH)) > 0) {
		for (ssize_t i = 0; i < n && !err;) {
			const struct dirent64 *entry = (const struct dirent64 *)(batch + i);

			err = listed_add(listing, entry, &bytes);
			i += entry->d_reclen;
		}
	}
	return err ? err : (int)n;
}

static bool sorts_before(const struct dirlist *listing, enum dirlist_order order, uint32_t a,
			 uint32_t b)
{
	const struct listed *x = &listing->listed[a];
	const struct listed *y = &listing->listed[b];

	if (order == DIRLIST_BY_INODE)
		return x->inode < y->inode;
	return strcmp(listing->names + x->name, listing->names + y->name) < 0;
}

/* libc's qsort() takes memory from the program's allocator. */
static void order_sort(struct dirlist *listing, enum dirlist_order order)
{
	uint32_t *by = listing->by[order];
	uint32_t gap = 1;

	while (gap < listing->count / 3)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3) {
		for (uint32_t i = gap; i < listing->count; i++) {
			uint32_t one = by[i];
			uint32_t j = i;

			for (; j >= gap && sorts_before(listing, order, one, by[j - gap]); j -= gap)
				by[j] = by[j - gap];
			by[j] = one;
		}
	}
}

static void orders_make(struct dirlist *listing)
{
	for (int order = 0; order < DIRLIST_ORDERS; order++) {
		for (uint32_t i = 0; i < listing->count; i++)
			listing->by[order][i] = i;
		if (order != DIRLIST_AS_LISTED)
			order_sort(listing, (enum dirlist_order)order);
	}
}

static bool has_share_modes(int fd)
{
	static const uint32_t types[] = { SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC };
	struct statfs fs;

	return sys_fstatfs(fd, &fs) || fstype_among(&fs, types, ARRAY_SIZE(types));
}

bool dirlist_shares(const char *path, const struct statx *stx)
{
	static uint64_t free_mount; /* the last one that was found to have none, and 1 */
	bool shares;
	int fd;

	if (load_relaxed(&free_mount) == stx->stx_mnt_id + 1)
		return false;
	fd = sys_openat(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	shares = fd < 0 || has_share_modes(fd);
	if (fd >= 0)
		sys_close(fd);
	if (!shares)
		store_relaxed(&free_mount, stx->stx_mnt_id + 1);
	return shares;
}

int dirlist_of(struct dirlist *listing, char *names, size_t bytes)
{
	uint32_t count = 0;
	size_t n;
	char *more;

	for (size_t i = 0; i < bytes; i += strlen(names + i) + 1)
		count++;
	n = count * (sizeof(*listing->listed) + sizeof(*listing->by[0])) + 1;
	more = memory_map(n);
	if (!more)
		return -ENOMEM;
	*listing = (struct dirlist){ .names = names, .listed = (struct listed *)more, .bytes = n };
	listing->by[DIRLIST_AS_LISTED] = (uint32_t *)(listing->listed + count);
	for (size_t i = 0; i < bytes; i += strlen(names + i) + 1) {
		listing->listed[listing->count] = (struct listed){ .name = (uint32_t)i,
								   .regular = true };
		listing->by[DIRLIST_AS_LISTED][listing->count] = listing->count;
		listing->count++;
	}
	return 0;
}

void dirlist_forget(struct dirlist *listing)
{
	if (listing->bytes)
		memory_unmap(listing->listed, listing->bytes);
	*listing = (struct dirlist){ .names = NULL };
}

int dirlist_read(struct dirlist *listing, const char *path)
{
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	int err = -ENOMEM;

	*listing = (struct dirlist){ .names = NULL };
	if (fd < 0)
		return fd;
	if (has_share_modes(fd))
		err = -EOPNOTSUPP;
	else
		listing->names = memory_map(dirlist_bytes);
	if (listing->names) {
		listing->listed = (struct listed *)(listing->names + NAMES_BYTES);
		listing->by[0] = (uint32_t *)(listing->listed + DIRLIST_NAMES);
		for (int i = 1; i < DIRLIST_ORDERS; i++)
			listing->by[i] = listing->by[i - 1] + DIRLIST_NAMES;
		err = entries_read(listing, fd,
				   (char *)(listing->by[DIRLIST_ORDERS - 1] + DIRLIST_NAMES));
	}
	sys_close(fd);
	if (err)
		dirlist_free(listing);
	else
		orders_make(listing);
	return err;
}

void dirlist_free(struct dirlist *listing)
{
	if (listing->names)
		memory_unmap(listing->names, dirlist_bytes);
	*listing = (struct dirlist){ .names = NULL };
}

uint32_t dirlist_find(const struct dirlist *listing, enum dirlist_order order, const char *name,
		      uint32_t from, uint32_t to)
{
	while (from < to && strcmp(dirlist_name(listing, order, from), name))
		from++;
	return from;
}

bool dirlist_adjacent(const struct dirlist *listing, enum dirlist_order order, uint32_t a,
		      uint32_t b)
{
	for (uint32_t i = a + 1; i < b; i++)
		if (at(listing, order, i)->regular)
			return false;
	return a < b;
}
