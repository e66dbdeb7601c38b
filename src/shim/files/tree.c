/* SPDX-License-Identifier: MIT */
/* The configured trees, and whether their records count for this process. */
#include "shim/libc/symbols.h"

#include "shim/files/tree.h"
#include "shim/files/tree_look.h"

#include <string.h>
#include <sys/syscall.h>

#include <rawcache/embed.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/lines.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/proctable.h"
#include "base/stats.h"

#include "shim/table/attach.h"
#include "shim/table/process.h"

#define LOOK_MS 8	   /* between two looks at mounts: one or two ticks of the coarse clock */
#define CHILDREN 64	   /* mounts of which a change is seen */
#define LINES_BYTES 65536u /* bytes of the table of mounts that are read at once */
#define MOUNT_MASK (STATX_INO | STATX_TYPE | STATX_MNT_ID | STATX_MNT_ID_UNIQUE)
#ifndef SYS_listmount
#define SYS_listmount 458 /* on all machines, since Linux 6.8 */
#endif

bool tree_on;
struct tree *trees;
uint32_t trees_count;

static void tree_add(const char *entry, size_t n)
{
	struct tree *tree = &trees[trees_count];
	char image[PATH_MAX];

	n = path_trim(entry, frozen_entry(entry, n, &tree->most_ns));
	if (n < 2 || n >= sizeof(tree->path) - 1)
		return;
	memcpy(tree->path, entry, n);
	tree->path[n] = '\0';
	tree->length = n;
	if (*attach_config.device) {
		if (frozen_name(attach_config.device, tree->path, tree->record,
				sizeof(tree->record)))
			return;
	} else if (config_default_device(image, sizeof(image)) ||
		   frozen_name(image, tree->path, tree->record, sizeof(tree->record))) {
		return;
	}
	trees_count++;
}

/* Whether the program makes up what it shows of files to others. */
static bool made_up(void)
{
	return secure_getenv("FAKEROOTKEY") || secure_getenv("FAKECHROOT_BASE") ||
	       secure_getenv("PROOT_TMP_DIR");
}

at_start void tree_init(void)
{
	const char *p = attach_config.frozen;

	if (!*p || attach_config.shared || made_up())
		return;
	trees = memory_map(sizeof(*trees) * TREES);
	while (trees && *p && trees_count < TREES) {
		size_t n = strcspn(p, ":");

		tree_add(p, n);
		p += n + (p[n] == ':');
	}
	if (!trees_count)
		return;
	process_stand_ins = tree_real_all;
	store_release(&tree_on, true);
}

void tree_stop(void)
{
	if (!load_relaxed(&tree_on))
		return;
	for (uint32_t i = 0; i < trees_count; i++)
		store_release(&trees[i].state, TREE_OVER);
	tree_real_all(true);
}

void tree_wrong(struct tree *tree)
{
	log_warn("%s is not as it was when it was frozen: it is thawed", tree->path);
	stats_add(frozen_wrong, 1);
	store_release(&tree->state, TREE_OVER);
	frozen_touch(&tree->frozen, tree->record, FROZEN_NONE, FROZEN_WHOLE);
}

/* Hash of the mounts on the tree's mount: a mount or unmount there changes it. */
static uint64_t mounts_hash(uint64_t mount)
{
	uint64_t children[CHILDREN];
	struct {
		uint32_t size, spare;
		uint64_t mount, param;
	} request = { .size = sizeof(request), .mount = mount };
	long n = SYS_CALL(SYS_listmount, &request, children, CHILDREN, 0, 0, 0);

	return n < 0 ? 0 :
		       XXH3_64bits_withSeed(children, (size_t)n * sizeof(*children), (uint64_t)n);
}

/* Makes no request: the root of a mount is in memory for as long as it is mounted. */
static bool mount_look(const struct tree *tree, unsigned int mask, struct statx *stx)
{
	struct pathbuf *buf = pathbuf_get();
	bool found;

	if (!buf)
		return false;
	memcpy(buf->path, tree->path, tree->frozen.header.mount_length);
	memcpy(buf->path + tree->frozen.header.mount_length, "/", 2);
	found = !sys_statx(AT_FDCWD, buf->path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, mask, stx) &&
		stx->stx_attributes & STATX_ATTR_MOUNT_ROOT &&
		stx->stx_ino == tree->frozen.header.mount_inode;
	pathbuf_put(buf);
	return found;
}

/* Whether something may be mounted at `place` inside the tree, where the record describes what is below. */
static bool place_unknown(struct tree *tree, const char *place)
{
	struct pathbuf *rest = pathbuf_get(), *other = pathbuf_get();
	struct frozen_walk walk = { .frozen = &tree->frozen, .any = true, .nofollow = true };
	size_t n = strlen(place) + 1;
	bool unknown = false;

	/* the walk writes into its buffers: a name may have been a link when it was recorded */
	if (rest && other && n <= sizeof(rest->path)) {
		memcpy(rest->path, place, n);
		walk.rest = rest->path;
		walk.other = other->path;
		unknown = frozen_walk(&walk) == FROZEN_ASK;
	}
	if (rest)
		pathbuf_put(rest);
	if (other)
		pathbuf_put(other);
	return unknown;
}

/* Stops at a mount that lies inside the recorded tree, or whose place is not known. */
static bool mount_inside(void *arg, char *line)
{
	struct tree *tree = arg;
	struct mount_line mount;

	if (!mount_line_parse(line, &mount))
		return true;
	mount_field_unescape(mount.point);
	return frozen_below(tree->path, mount.point) && mount.point[tree->length] &&
	       !place_unknown(tree, mount.point + tree->length);
}

static bool mounts_outside_tree(struct tree *tree)
{
	char *buf = memory_map(LINES_BYTES);
	bool outside = buf &&
		       !lines_read("/proc/self/mountinfo", buf, LINES_BYTES, mount_inside, tree);

	if (buf)
		memory_unmap(buf, LINES_BYTES);
	return outside;
}

static bool mount_right(struct tree *tree)
{
	struct statx stx;
	uint64_t id[2];

	if (!mount_look(tree, MOUNT_MASK & ~STATX_MNT_ID_UNIQUE, &stx) ||
	    !rawcache_mount_id(stx.stx_mnt_id, id) || id[0] != tree->frozen.header.mount_id[0] ||
	    id[1] != tree->frozen.header.mount_id[1])
		return false;
	tree->mount_short = stx.stx_mnt_id;
	if (!mount_look(tree, MOUNT_MASK, &tree->mount))
		return false;
	tree->mounts = mounts_hash(tree->mount.stx_mnt_id);
	return mounts_outside_tree(tree);
}

static bool record_map(struct tree *tree)
{
	int err;

	if (load_acquire(&tree->frozen.map))
		return true;
	err = frozen_open(&tree->frozen, tree->record, tree->path);
	if (err && err != -ENOENT)
		log_info("the record of %s is not used: %d", tree->path, err);
	return !err;
}

static bool tree_load(struct tree *tree)
{
	enum rawcache_reason reason;
	struct who who;

	return attach_cache(&reason) && who_now(&who) && record_map(tree) &&
	       who_is(&who, tree->frozen.header.who) && mount_right(tree);
}

/* Checks mounts and the age of the record, now and then. */
static bool tree_still(struct tree *tree)
{
	uint64_t now = clock_coarse_ms();
	struct statx stx;

	if (now - load_relaxed(&tree->looked_ms) < LOOK_MS)
		return true;
	if (frozen_thawed(&tree->frozen) || frozen_age(&tree->frozen) >= tree->most_ns)
		return false;
	if (!mount_look(tree, MOUNT_MASK, &stx) || stx.stx_mnt_id != tree->mount.stx_mnt_id ||
	    mounts_hash(stx.stx_mnt_id) != tree->mounts)
		return false;
	store_relaxed(&tree->looked_ms, now);
	return true;
}

bool tree_ready(struct tree *tree)
{
	uint32_t state = load_acquire(&tree->state);

	if (state == TREE_NEW && cas(&tree->state, &state, TREE_BUSY)) {
		state = tree_load(tree) ? TREE_READY : TREE_OVER;
		store_release(&tree->state, state);
	}
	if (state != TREE_READY)
		return false;
	if (likely(tree_still(tree)))
		return !frozen_thawed(&tree->frozen);
	store_release(&tree->state, TREE_OVER);
	return false;
}

bool tree_mapped(struct tree *tree)
{
	tree_ready(tree);
	return load_acquire(&tree->frozen.map) ||
	       (load_acquire(&tree->state) != TREE_BUSY && record_map(tree));
}
