/* SPDX-License-Identifier: MIT */
/*
 * What the mounts of the configured directories allow for names: whether those that do not exist are
 * remembered, whether a tree can be frozen, and which of the mount's own options would save more requests.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "base/proctable.h"
#include "base/sys.h"
#include "cli/doctor.h"
#include "cli/frozen_record.h"

#define TABLE_BYTES 65536  /* a line of mountinfo has paths and options of up to 4 KiB each */
#define OPTIONS_BYTES 1024 /* what is cut off is not found */

struct mount_options {
	char type[32];
	char text[OPTIONS_BYTES];
};

static bool mount_options_find(int fd, struct mount_options *found)
{
	char *table = malloc(TABLE_BYTES);
	struct mount_line mount;
	struct statx stx;
	bool known;

	known = table && !sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) &&
		stx.stx_mask & STATX_MNT_ID &&
		mount_line_find(stx.stx_mnt_id, table, TABLE_BYTES, &mount);
	if (known) {
		snprintf(found->type, sizeof(found->type), "%s", mount.type);
		snprintf(found->text, sizeof(found->text), "%s",
			 mount.options ? mount.options : "");
	}
	free(table);
	return known;
}

/* What is known of a type of file systems. */
struct mount_kind {
	const char *type;
	const char *
		names; /* why absent names are not remembered; NULL: with RAWCACHE_NAMES=1 they are */
	const char *options; /* NULL: none is known */
};

#define KERNELS "its kernel client remembers them itself"
#define MADE_UP "its server makes the times of directories up, or knows them late"

static const struct mount_kind mount_kinds[] = {
	{ "nfs", KERNELS, "nocto (no request at each open) and actimeo=600" },
	{ "nfs4", KERNELS, "nocto (no request at each open) and actimeo=600" },
	{ "cifs", NULL, "actimeo=600" },
	{ "smb3", NULL, "actimeo=600" },
	{ "ceph", KERNELS, NULL },
	{ "lustre", KERNELS, NULL },
	{ "fuse.sshfs", "its server's cache of directories tells of new names up to 20 s late",
	  "entry_timeout=600,attr_timeout=600,negative_timeout=600,kernel_cache" },
	{ "fuse.rclone", MADE_UP, "--attr-timeout 10m and --dir-cache-time 1h" },
	{ "fuse.s3fs", MADE_UP, "stat_cache_expire=600 and kernel_cache" },
	{ "fuse.gcsfuse", MADE_UP,
	  "--metadata-cache-ttl-secs 600 and --kernel-list-cache-ttl-secs 600" },
	{ "fuse.goofys", MADE_UP, "--stat-cache-ttl 10m and --type-cache-ttl 10m" },
	{ "fuse.davfs", MADE_UP, NULL },
	{ "fuse.mergerfs", NULL,
	  "cache.attr=600,cache.entry=600,cache.negative_entry=600,cache.readdir=true" },
	{ "fuse.juicefs", NULL, "--attr-cache 600 --entry-cache 600 --dir-entry-cache 600" },
	{ "fuse.gocryptfs", NULL, NULL },
	{ "fuse", NULL,
	  "entry_timeout=600,attr_timeout=600,negative_timeout=600, if its server takes them" },
};

static const struct mount_kind *mount_kind_find(const char *type)
{
	static const struct mount_kind local = { NULL, "its kernel remembers them itself", NULL };
	const struct mount_kind *kind = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(mount_kinds) && !kind; i++)
		if (!strcmp(type, mount_kinds[i].type))
			kind = &mount_kinds[i];
	if (!kind && !strncmp(type, "fuse.", 5))
		return mount_kind_find("fuse");
	return kind ? kind : &local;
}

static void names_tell(const struct doctor *doctor, const char *dir, int fd,
		       const struct mount_kind *kind)
{
	uint8_t names = doctor->target.config.names;

	if (!names)
		doctor_ok("%s: absent names are asked for each time, for RAWCACHE_NAMES is 0", dir);
	else if (rawcache_names_real(fd))
		doctor_ok("%s: absent names are remembered", dir);
	else if (names != CONFIG_AUTO)
		doctor_ok("%s: absent names are remembered, for RAWCACHE_NAMES is 1", dir);
	else if (kind->names)
		doctor_ok("%s: absent names are not remembered: %s", dir, kind->names);
	else
		doctor_ok(
			"%s: absent names are asked for each time; RAWCACHE_NAMES=1 remembers them, if its "
			"directories have real times",
			dir);
}

/* Options that make the kernel ask for names and attributes each time. */
static const char *option_costly(const char *options)
{
	static const char *const costly[] = { "noac", "actimeo=0", "lookupcache=none",
					      "lookupcache=pos", "acdirmax=0" };

	for (size_t i = 0; i < ARRAY_SIZE(costly); i++) {
		const char *at = strstr(options, costly[i]);
		char end = at ? at[strlen(costly[i])] : 'x';

		if (at && (at == options || at[-1] == ',') && (!end || end == ','))
			return costly[i];
	}
	return NULL;
}

static void directory_tell(const struct doctor *doctor, const char *dir)
{
	int fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	const struct mount_kind *kind;
	struct mount_options mount;
	const char *refused;

	if (fd < 0) {
		doctor_warn("%s cannot be opened: %s", dir, strerror(-fd));
		return;
	}
	if (mount_options_find(fd, &mount)) {
		kind = mount_kind_find(mount.type);
		names_tell(doctor, dir, fd, kind);
		refused = frozen_refused(fd);
		if (refused)
			doctor_ok("%s: it cannot be frozen: %s", dir, refused);
		else
			doctor_ok(
				"%s: it can be frozen if its files do not change: rawcache run --frozen %s",
				dir, dir);
		if (option_costly(mount.text))
			doctor_warn(
				"%s is mounted with %s: the server is asked for each name, by each program",
				dir, option_costly(mount.text));
		else if (kind->options)
			doctor_ok(
				"%s (%s): where nobody else changes files, these options of the mount save "
				"requests: %s",
				dir, mount.type, kind->options);
	}
	sys_close(fd);
}

void doctor_mounts(const struct doctor *doctor, const char *paths)
{
	char dir[PATH_MAX];

	for (const char *p = paths; p && *p; p += *p == ':') {
		size_t n = strcspn(p, ":");

		if (n < sizeof(dir) && *p != '!') {
			memcpy(dir, p, n);
			dir[n] = '\0';
			directory_tell(doctor, dir);
		}
		p += n;
	}
}
