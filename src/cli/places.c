/* SPDX-License-Identifier: MIT */
#include "cli/places.h"

#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/config.h"

static bool type_among(const char *type, const char *const *types, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static bool type_slow(const char *type)
{
	static const char *const types[] = { "nfs",	 "nfs4", "cifs",   "smb3",    "ceph",
					     "lustre",	 "9p",	 "beegfs", "afs",     "gfs2",
					     "virtiofs", "fuse", "gpfs",   "orangefs" };
	static const char *const desktop[] = { "fuse.portal", "fuse.gvfsd-fuse", "fuse.lxcfs",
					       "fuse.snapfuse" };

	if (!strncmp(type, "fuse.", 5))
		return !type_among(type, desktop, ARRAY_SIZE(desktop));
	return type_among(type, types, ARRAY_SIZE(types));
}

static bool type_fast(const char *type)
{
	static const char *const types[] = { "ext2",  "ext3", "ext4",	 "xfs",
					     "btrfs", "f2fs", "bcachefs" };

	return type_among(type, types, ARRAY_SIZE(types));
}

static bool place_known(const struct places *places, const char *path)
{
	for (size_t i = 0; i < places->count; i++)
		if (!strcmp(places->place[i].path, path))
			return true;
	return false;
}

static void place_add(struct places *places, const char *path, const char *type,
		      uint64_t free_bytes)
{
	struct place_found *place = &places->place[places->count];

	if (places->count == PLACES_MAX || place_known(places, path))
		return;
	snprintf(place->path, sizeof(place->path), "%s", path);
	snprintf(place->type, sizeof(place->type), "%s", type);
	place->free_bytes = free_bytes;
	places->count++;
}

static uint64_t free_below(const char *directory)
{
	struct statvfs fs;

	return statvfs(directory, &fs) ? 0 : (uint64_t)fs.f_bavail * fs.f_frsize;
}

uint64_t places_free(const char *path)
{
	char above[PATH_MAX];
	char *slash;

	snprintf(above, sizeof(above), "%s", path);
	while ((slash = strrchr(above, '/')) && slash != above) {
		*slash = '\0';
		if (!access(above, F_OK))
			return free_below(above);
	}
	return free_below("/");
}

/*
 * A mount of another machine that does not answer would hang any process that looks at it, so it is not
 * looked at.
 */
static void slow_visit(struct places *places, const struct mntent *mount)
{
	if (type_slow(mount->mnt_type))
		place_add(places, mount->mnt_dir, mount->mnt_type, 0);
}

static void fast_visit(struct places *places, const struct mntent *mount)
{
	char path[PATH_MAX];

	/* nobody looks for it in the root directory, and the default place is mostly on that disk */
	if (!type_fast(mount->mnt_type) || !strcmp(mount->mnt_dir, "/") ||
	    access(mount->mnt_dir, W_OK | X_OK))
		return;
	if ((size_t)snprintf(path, sizeof(path), "%s/rawcache.img", mount->mnt_dir) >= sizeof(path))
		return;
	place_add(places, path, mount->mnt_type, free_below(mount->mnt_dir));
}

static void mounts_visit(struct places *places,
			 void (*visit)(struct places *, const struct mntent *))
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;

	while (mounts && (mount = getmntent(mounts)))
		visit(places, mount);
	if (mounts)
		endmntent(mounts);
}

void places_slow(struct places *places)
{
	places->count = 0;
	mounts_visit(places, slow_visit);
}

static int by_room(const void *a, const void *b)
{
	uint64_t one = ((const struct place_found *)a)->free_bytes;
	uint64_t other = ((const struct place_found *)b)->free_bytes;

	return (one < other) - (one > other);
}

void places_fast(struct places *places)
{
	char image[PATH_MAX];

	places->count = 0;
	if (!config_default_device(image, sizeof(image)))
		place_add(places, image, "the default", places_free(image));
	mounts_visit(places, fast_visit);
	if (places->count > 2)
		qsort(places->place + 1, places->count - 1, sizeof(*places->place), by_room);
}
