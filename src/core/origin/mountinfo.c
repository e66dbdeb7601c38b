/* SPDX-License-Identifier: MIT */
#include "core/origin/mountinfo.h"

#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/compiler.h"
#include "base/fstype.h"
#include "base/lines.h"
#include "base/proctable.h"
#include "base/sys.h"

struct kind_of {
	char type[32]; /* no pointer, which the loader would have to relocate in each program */
	uint32_t kind;
};

/*
 * FUSE servers that answer attributes from a table of their own. sshfs and s3fs ask their server when a
 * file is opened; the others do when an entry of the table has expired, minutes later.
 */
static const struct kind_of kinds[] = {
	{ "proc", KIND_SPECIAL },
	{ "sysfs", KIND_SPECIAL },
	{ "devtmpfs", KIND_SPECIAL },
	{ "devpts", KIND_SPECIAL },
	{ "cgroup", KIND_SPECIAL },
	{ "cgroup2", KIND_SPECIAL },
	{ "debugfs", KIND_SPECIAL },
	{ "tracefs", KIND_SPECIAL },
	{ "bpf", KIND_SPECIAL },
	{ "securityfs", KIND_SPECIAL },
	{ "configfs", KIND_SPECIAL },
	{ "pstore", KIND_SPECIAL },
	{ "efivarfs", KIND_SPECIAL },
	{ "mqueue", KIND_SPECIAL },
	{ "hugetlbfs", KIND_SPECIAL },
	{ "fusectl", KIND_SPECIAL },
	{ "binfmt_misc", KIND_SPECIAL },
	{ "rpc_pipefs", KIND_SPECIAL },
	{ "nsfs", KIND_SPECIAL },
	{ "autofs", KIND_SPECIAL },
	{ "erofs", KIND_PACKED },
	{ "squashfs", KIND_PACKED },
	{ "iso9660", KIND_PACKED },
	{ "udf", KIND_PACKED },
	{ "cramfs", KIND_PACKED },
	{ "romfs", KIND_PACKED },
	{ "fuse.squashfuse", KIND_PACKED },
	{ "fuse.squashfuse_ll", KIND_PACKED },
	{ "fuse.erofsfuse", KIND_PACKED },
	{ "fuse.dwarfs", KIND_PACKED },
	{ "fuse.fuseiso", KIND_PACKED },
	{ "fuse.archivemount", KIND_PACKED },
	{ "fuse.ratarmount", KIND_PACKED },
	{ "fuse.mount-zip", KIND_PACKED },
	{ "fuse.fuse-zip", KIND_PACKED },
	{ "fuse.fuse-archive", KIND_PACKED },
	{ "fuse.rar2fs", KIND_PACKED },
	{ "fuse.avfsd", KIND_PACKED },
	{ "fuse.ext2", KIND_PACKED }, /* fuse2fs and fuseext2: an image, named by a relative path */
	{ "fuse.ext3", KIND_PACKED },
	{ "fuse.ext4", KIND_PACKED },
	{ "fuse.fuse2fs", KIND_PACKED },
	{ "fuse.fuseext2", KIND_PACKED },
	{ "fuse.fusefat", KIND_PACKED },
	{ "fuse.fuseiso9660", KIND_PACKED },
	{ "overlay", KIND_MOUNT },
	{ "overlayfs", KIND_MOUNT },
	{ "aufs", KIND_MOUNT },
	{ "unionfs", KIND_MOUNT },
	{ "ecryptfs", KIND_MOUNT },
	{ "shiftfs", KIND_MOUNT },
	{ "fuse.fuse-overlayfs", KIND_MOUNT },
	{ "vfat", KIND_MOUNT | KIND_TIMES },
	{ "msdos", KIND_MOUNT | KIND_TIMES },
	{ "exfat", KIND_MOUNT | KIND_TIMES },
	{ "hfs", KIND_MOUNT | KIND_TIMES },
	{ "hfsplus", KIND_MOUNT | KIND_TIMES },
	{ "ext2", KIND_EXT | KIND_NAMES },
	{ "ext3", KIND_EXT | KIND_NAMES },
	{ "ext4", KIND_EXT | KIND_NAMES },
	{ "btrfs", KIND_SUBVOLUMES | KIND_NAMES },
	{ "bcachefs", KIND_SUBVOLUMES | KIND_NAMES },
	{ "xfs", KIND_NAMES },
	{ "f2fs", KIND_NAMES },
	{ "zfs", KIND_NAMES },
	{ "tmpfs", KIND_NAMES },
	{ "nfs", KIND_REMOTE | KIND_NAMES },
	{ "nfs4", KIND_REMOTE | KIND_NAMES },
	{ "cifs", KIND_REMOTE },
	{ "smb3", KIND_REMOTE },
	{ "ceph", KIND_REMOTE | KIND_NAMES },
	{ "9p", KIND_REMOTE },
	{ "afs", KIND_REMOTE },
	{ "lustre", KIND_REMOTE | KIND_NAMES },
	{ "orangefs", KIND_REMOTE },
	{ "virtiofs", KIND_REMOTE },
	{ "fuse.gocryptfs", KIND_PASSES },
	{ "fuse.encfs", KIND_PASSES },
	{ "fuse.bindfs", KIND_LIVE | KIND_PASSES },
	{ "fuse.juicefs", KIND_LIVE },
	{ "fuse.glusterfs", KIND_LIVE },
	{ "fuse.ceph-fuse", KIND_LIVE },
	{ "fuse.origin", KIND_LIVE }, /* used by the tests */
	{ "fuse.sshfs", KIND_OPENED },
	{ "fuse.s3fs", KIND_OPENED },
	{ "fuse.rclone", KIND_AGED },
	{ "fuse.davfs", KIND_AGED },
	{ "fuse.davfs2", KIND_AGED },
	{ "fuse.gcsfuse", KIND_AGED },
	{ "fuse.goofys", KIND_AGED },
	{ "fuse.geesefs", KIND_AGED },
	{ "fuse.blobfuse", KIND_AGED },
	{ "fuse.blobfuse2", KIND_AGED },
	{ "fuse.curlftpfs", KIND_AGED },
	{ "fuse.httpdirfs", KIND_AGED },
	{ "fuse.gvfsd-fuse", KIND_AGED },
	{ "fuse.google-drive-ocamlfuse", KIND_AGED },
};

/* FUSE servers that are recognised by their source only. */
static const struct {
	const char *prefix;
	uint32_t kind;
} source_kinds[] = {
	{ "http", KIND_AGED }, /* davfs2 */
	{ "borgfs", KIND_PACKED },	{ "restic", KIND_PACKED },
	{ "mountpoint-s3", KIND_LIVE }, { "JuiceFS", KIND_LIVE },
};

static uint32_t kind_by_source(const char *source)
{
	for (size_t i = 0; i < ARRAY_SIZE(source_kinds); i++)
		if (!strncmp(source, source_kinds[i].prefix, strlen(source_kinds[i].prefix)))
			return source_kinds[i].kind;
	return 0;
}

/* An unknown FUSE server that is mounted read-only may show an archive or an image. */
static uint32_t kind_by_type(const char *type, const char *source, bool writable)
{
	uint32_t kind = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(type, kinds[i].type))
			kind = kinds[i].kind;
	if (strncmp(type, "fuse", 4) || kind & KIND_SPECIAL)
		return kind;
	if (!strcmp(type, "fuse"))
		kind = kind_by_source(source);
	if (!kind && !writable)
		kind = KIND_PACKED;
	else if (!kind && !strcmp(type, "fuse") &&
		 *source == '/') /* bindfs has no type of its own */
		kind = KIND_PASSES;
	return kind | KIND_FUSE | KIND_TIMES | KIND_REMOTE;
}

void mounted_add(struct mounted *mounted, const char *text)
{
	XXH3_128bits_update(&mounted->state, text, strlen(text) + 1);
}

/* The block device that `source` names, if the table has a made-up number (btrfs). */
static bool source_device(const char *source, char device[24])
{
	struct statx stx;

	if (strncmp(source, "/dev/", 5) || sys_statx(AT_FDCWD, source, 0, STATX_TYPE, &stx) ||
	    !S_ISBLK(stx.stx_mode))
		return false;
	snprintf(device, 24, "%u:%u", stx.stx_rdev_major, stx.stx_rdev_minor);
	return true;
}

/* Whether the options of a mount point, or of a file system, begin with "ro". */
static bool is_read_only(const char *options)
{
	return options && (!strncmp(options, "ro,", 3) || !strcmp(options, "ro"));
}

void mounted_set(struct mounted *mounted, const struct mount_line *mount)
{
	XXH3_128bits_reset(&mounted->state);
	mounted_add(mounted, mount->root);
	mounted_add(mounted, mount->point);
	mounted_add(mounted, mount->type);
	mounted_add(mounted, mount->source);
	mounted->root = mount->root;
	mounted->point = mount->point;
	mounted->type = mount->type;
	mounted->source = mount->source;
	mounted->writable = !is_read_only(mount->options);
	mounted->kind = kind_by_type(mount->type, mount->source,
				     mounted->writable && !is_read_only(mount->point_options));
	if (mounted->kind & KIND_PACKED &&
	    mount->options) /* not the options that tell where it begins: a session, an offset */
		mounted_add(mounted, mount->options);
	snprintf(mounted->device, sizeof(mounted->device), "%s", mount->device);
	mounted->block = strncmp(mount->device, "0:", 2) != 0 ||
			 source_device(mount->source, mounted->device);
}

struct each {
	bool (*look)(void *arg, const struct mount_line *mount, uint32_t kind);
	void *arg;
};

static bool mount_line_pass(void *arg, char *line)
{
	struct each *each = arg;
	struct mount_line mount;

	if (!mount_line_parse(line, &mount))
		return false;
	mount_field_unescape(mount.point);
	return each->look(each->arg, &mount,
			  kind_by_type(mount.type, mount.source, !is_read_only(mount.options)));
}

bool mountinfo_each(char *buf,
		    bool (*look)(void *arg, const struct mount_line *mount, uint32_t kind),
		    void *arg)
{
	struct each each = { .look = look, .arg = arg };

	return lines_read("/proc/self/mountinfo", buf, MOUNTINFO_BUFFER, mount_line_pass, &each) ==
	       LINES_ENOUGH;
}

bool mountinfo_find(char *buf, uint64_t mount, struct mounted *mounted)
{
	struct mount_line line;
	bool found = mount_line_find(mount, buf, MOUNTINFO_BUFFER, &line);

	if (found)
		mounted_set(mounted, &line);
	return found;
}

uint32_t kind_by_magic(int fd)
{
	static const uint32_t special[] = {
		PROC_SUPER_MAGIC,
		SYSFS_MAGIC,
		DEVPTS_SUPER_MAGIC,
		CGROUP_SUPER_MAGIC,
		DEBUGFS_MAGIC,
		TRACEFS_MAGIC,
		BPF_FS_MAGIC,
		CGROUP2_SUPER_MAGIC,
		SECURITYFS_MAGIC,
		PSTOREFS_MAGIC,
		EFIVARFS_MAGIC,
		HUGETLBFS_MAGIC,
		NSFS_MAGIC,
		BINFMTFS_MAGIC,
		AUTOFS_SUPER_MAGIC,
		0x62656570 /* configfs */,
		0x67596969 /* rpc_pipefs */,
		0x65735543 /* fusectl */,
		0x19800202 /* mqueue */,
		FUSE_SUPER_MAGIC /* which server? */,
	};
	struct statfs fs;

	if (sys_fstatfs(fd, &fs) || fstype_among(&fs, special, ARRAY_SIZE(special)))
		return KIND_SPECIAL;
	if ((uint32_t)fs.f_type == BTRFS_SUPER_MAGIC)
		return KIND_MOUNT | KIND_SUBVOLUMES;
	return KIND_MOUNT | KIND_TIMES | KIND_REMOTE;
}
