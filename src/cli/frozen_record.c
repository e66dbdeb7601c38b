/* SPDX-License-Identifier: MIT */
#include "cli/frozen_record.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/credentials.h"
#include "base/frozen.h"
#include "base/uuid.h"
#include "cli/command.h"
#include "cli/frozen_scan.h"
#include "cli/say.h"

struct recording {
	struct frozen_scan scan;
	struct frozen_header header;
	char name[PATH_MAX];		       /* the record's file */
	char fresh[PATH_MAX + sizeof(".new")]; /* its name while it is made */
	uint64_t at;
	uint32_t *places;
};

/*
 * Why a tree on this file system cannot be frozen; NULL: it can. Names may be the server's, not as they are
 * written; or the server knows who has files open.
 */
static const char *kind_refused(uint32_t kind)
{
	switch (kind) {
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
		return "servers of SMB must know who has a file open";
	case MSDOS_SUPER_MAGIC: /* vfat, too */
	case EXFAT_SUPER_MAGIC:
		return "its names are the same in large and small letters";
	default:
		return NULL;
	}
}

const char *frozen_refused(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) ? NULL : kind_refused((uint32_t)fs.f_type);
}

static int refused_looking(const char *path, int err)
{
	return say_refusal("cannot look at %s: %s; it must be there when it is frozen", path,
			   strerror(-err));
}

/* Find the mount on which the tree lies, and the length of its path. */
static int mount_find(struct recording *recording, const char *path)
{
	char above[PATH_MAX];
	struct statfs fs;
	struct statx stx;
	size_t n = strlen(path);
	int err = sys_statx(AT_FDCWD, path, 0,
			    STATX_BASIC_STATS | STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &stx);

	if (!err && statfs(path, &fs))
		err = -errno;
	if (err)
		return refused_looking(path, err);
	recording->scan.device = sys_device(&stx);
	recording->scan.mount = stx.stx_mnt_id;
	memcpy(above, path, n + 1);
	while (!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) && n) {
		while (n && above[n - 1] != '/')
			n--;
		n -= n > 0;
		above[n] = '\0';
		err = sys_statx(AT_FDCWD, n ? above : "/", 0, STATX_INO, &stx);
		if (err)
			return refused_looking(above, err);
	}
	recording->header.mount_length = (uint32_t)n;
	recording->header.mount_inode = stx.stx_ino;
	if (kind_refused((uint32_t)fs.f_type))
		return say_refusal("%s cannot be frozen: %s; run without --frozen", path,
				   kind_refused((uint32_t)fs.f_type));
	/* the table has the old, short numbers */
	if (sys_statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stx) || !(stx.stx_mask & STATX_MNT_ID) ||
	    !rawcache_mount_id(stx.stx_mnt_id, recording->header.mount_id))
		return say_refusal(
			"/proc/self/mountinfo does not tell on which mount %s lies; run without --frozen",
			path);
	return GO_ON;
}

static int header_begin(struct recording *recording, const char *path)
{
	struct frozen_header *header = &recording->header;
	struct credentials credentials;
	char groups[4096];

	if (!strcmp(path, "/"))
		return say_refusal("the root directory cannot be frozen; name a tree below it");
	if (strlen(path) >= sizeof(header->path))
		return say_refusal("the path %s is too long; mount it in another place", path);
	memcpy(header->magic, FROZEN_MAGIC, sizeof(header->magic));
	header->version = FROZEN_VERSION;
	header->node_bytes = sizeof(struct frozen_node);
	memcpy(header->path, path, strlen(path) + 1);
	header->made_real = clock_real_ns();
	header->made_boot = clock_ns(CLOCK_BOOTTIME);
	if (boot_id_read(header->boot) || !credentials_read(groups, sizeof(groups), &credentials))
		return say_refusal(
			"the boot's number or this user's groups cannot be read; /proc must be mounted");
	header->who = credentials.hash;
	return mount_find(recording, path);
}

static int refused_making(const char *name)
{
	return say_refusal("cannot make %s: %s; its directory must let this user write", name,
			   strerror(errno));
}

static int refused_writing(const char *name)
{
	return say_refusal("cannot write %s: %s; make room there", name, strerror(errno));
}

static int file_begin(struct recording *recording, const struct target *target, const char *path)
{
	struct stat st;
	int status;

	if (!stat(target->path, &st) && !S_ISREG(st.st_mode))
		return say_refusal(
			"the image %s is no regular file; name one with --cache, for the record of a frozen tree lies "
			"beside it",
			target->path);
	if (target->config.shared)
		return say_refusal(
			"an image that others may write (RAWCACHE_SHARED) has no frozen trees; use one of your own");
	status = target_frozen_name(target, path, recording->name, sizeof(recording->name));
	if (status != GO_ON)
		return status;
	snprintf(recording->fresh, sizeof(recording->fresh), "%s.new", recording->name);
	recording->scan.out = open(recording->fresh, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				   0600);
	if (recording->scan.out < 0)
		return refused_making(recording->fresh);
	if (flock(recording->scan.out, LOCK_EX | LOCK_NB))
		return say_refusal("%s is being recorded by another command; wait for it", path);
	if (ftruncate(recording->scan.out, 0))
		return refused_writing(recording->fresh);
	recording->scan.out_at = FROZEN_HEADER;
	return GO_ON;
}

/* Whether a directory finds a name in other letters than those in its list. */
static bool letters_same(const struct recording *recording)
{
	const struct frozen_scan *scan = &recording->scan;

	for (uint32_t i = 1; i < scan->count && scan->node[i].parent == 0; i++) {
		char path[PATH_MAX + 256];
		bool any = false;
		struct stat st;
		int n = snprintf(path, sizeof(path), "%s/", recording->header.path);

		for (size_t j = 0; j < scan->node[i].name_length; j++) {
			char c = scan->names[scan->node[i].name + j];

			any = any || isalpha((unsigned char)c);
			path[n++] = (char)(islower((unsigned char)c) ? toupper((unsigned char)c) :
								       tolower((unsigned char)c));
		}
		path[n] = '\0';
		if (any)
			return !lstat(path, &st) && st.st_ino == scan->node[i].ino &&
			       scan->node[i].nlink < 2;
	}
	return false;
}

static bool part_write(struct recording *recording, const void *bytes, size_t n, uint64_t *at)
{
	*at = recording->at;
	recording->at += round_up(n, 8);
	return frozen_write(recording->scan.out, bytes, n, *at);
}

static bool places_make(struct recording *recording)
{
	const struct frozen_scan *scan = &recording->scan;
	uint64_t mask;

	while ((UINT64_C(1) << recording->header.place_bits) < scan->count * UINT64_C(2))
		recording->header.place_bits++;
	mask = (UINT64_C(1) << recording->header.place_bits) - 1;
	recording->places = calloc(mask + 1, sizeof(*recording->places));
	if (!recording->places)
		return false;
	for (uint32_t i = 1; i < scan->count; i++) {
		const struct frozen_node *node = &scan->node[i];
		uint64_t at = frozen_place(node->parent, scan->names + node->name,
					   node->name_length);

		while (recording->places[at & mask])
			at++;
		recording->places[at & mask] = i + 1;
	}
	return true;
}

/* The header is written last: without it the file is no record. */
static bool file_write(struct recording *recording)
{
	struct frozen_scan *scan = &recording->scan;
	struct frozen_header *header = &recording->header;

	recording->at = round_up(scan->out_at, 4096);
	header->count = scan->count;
	header->names_bytes = (uint32_t)scan->names_length;
	if (!places_make(recording) ||
	    !part_write(recording, scan->node, scan->count * sizeof(*scan->node),
			&header->nodes_at) ||
	    !part_write(recording, recording->places, sizeof(uint32_t) << header->place_bits,
			&header->places_at) ||
	    !part_write(recording, scan->recent, scan->count * sizeof(*scan->recent),
			&header->touched_at) ||
	    !part_write(recording, scan->names, scan->names_length, &header->names_at))
		return false;
	header->file_bytes = recording->at;
	header->hash = XXH3_64bits(header, offsetof(struct frozen_header, hash));
	return !ftruncate(scan->out, (off_t)recording->at) && !fdatasync(scan->out) &&
	       pwrite(scan->out, header, sizeof(*header), 0) == sizeof(*header) &&
	       !fdatasync(scan->out);
}

/* Programs that use the earlier record ask the origin from now on. */
static void file_end_older(const struct recording *recording)
{
	struct frozen older;

	if (frozen_open(&older, recording->name, recording->header.path))
		return;
	frozen_touch(&older, recording->name, FROZEN_NONE, FROZEN_WHOLE);
	frozen_close(&older);
}

/* A program that changes the tree meanwhile removes the file that is being made. */
static int file_publish(struct recording *recording)
{
	if (!file_write(recording))
		return refused_writing(recording->fresh);
	file_end_older(recording);
	if (!rename(recording->fresh, recording->name))
		return GO_ON;
	if (errno == ENOENT)
		return say_refusal("%s was changed while it was recorded; try again",
				   recording->header.path);
	return refused_making(recording->name);
}

static void count(const struct frozen_scan *scan, struct frozen_recorded *recorded)
{
	recorded->names = scan->count - 1;
	recorded->bytes = 0;
	recorded->unknown = 0;
	for (uint32_t i = 0; i < scan->count; i++) {
		recorded->bytes += scan->node[i].flags & FROZEN_BYTES ? scan->node[i].size : 0;
		recorded->unknown += scan->recent[i][FROZEN_WHOLE] ||
				     !(scan->node[i].flags & FROZEN_KNOWN);
	}
}

static int record_once(struct recording *recording, const struct target *target, const char *path,
		       struct frozen_recorded *recorded)
{
	uint64_t settle_ns = max_u64(target->config.settle_ms, CLOCK_STEP_MS) * UINT64_C(1000000);
	int status = header_begin(recording, path);

	recording->scan.root = path;
	recording->scan.root_length = strlen(path);
	recording->scan.settled_ns = recording->header.made_real - settle_ns;
	if (status == GO_ON)
		status = file_begin(recording, target, path);
	if (status != GO_ON)
		return status;
	if (frozen_scan(&recording->scan))
		return say_refusal("cannot record %s: %s; make room beside the image", path,
				   strerror(errno));
	if (!(recording->scan.node[0].flags & FROZEN_LISTED))
		return say_refusal("cannot list %s; name a directory that you may read", path);
	if (letters_same(recording))
		return say_refusal(
			"%s cannot be frozen: its names are the same in large and small letters; run "
			"without --frozen",
			path);
	count(&recording->scan, recorded);
	return GO_ON;
}

static void recording_fini(struct recording *recording, bool remove)
{
	frozen_scan_fini(&recording->scan);
	free(recording->places);
	if (recording->scan.out >= 0) {
		if (remove)
			unlink(recording->fresh);
		close(recording->scan.out);
	}
}

int frozen_record(const struct target *target, const char *path, unsigned int jobs,
		  struct frozen_recorded *recorded)
{
	struct recording recording;
	int status = GO_ON;

	for (int tries = 0; tries < 2; tries++) {
		memset(&recording, 0, sizeof(recording));
		recording.scan.out = -1;
		recording.scan.jobs = jobs;
		status = record_once(&recording, target, path, recorded);
		if (status != GO_ON || tries || !recording.scan.settling)
			break;
		recording_fini(&recording, true);
		usleep((useconds_t)max_u64(target->config.settle_ms, CLOCK_STEP_MS) * 1000 +
		       100000);
	}
	if (status == GO_ON)
		status = file_publish(&recording);
	recording_fini(&recording, status != GO_ON);
	return status;
}
