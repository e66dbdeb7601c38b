/* SPDX-License-Identifier: MIT */
#include "core/origin.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/critical.h"
#include "base/memory.h"
#include "base/sys.h"

#define CACHED 16
#define BUFFER_BYTES 65536u
/* Where mount ids are used again after umount, what they stand for is looked up again. */
#define REUSABLE_ID_MS 1000u

/* Written under the lock, read without it: a copy counts if the sequence is even and stays. */
struct cached_origin {
	uint32_t sequence; /* odd while it is written */
	uint64_t mount;
	uint64_t device;
	uint64_t expires; /* clock_coarse_ms() */
	struct origin origin;
};

static pthread_mutex_t origin_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cached_origin cached[CACHED];
static unsigned int cached_next;

static const char *const special_types[] = {
	"proc",	    "sysfs",   "devtmpfs",   "devpts",	 "cgroup",  "cgroup2",	 "debugfs",
	"tracefs",  "bpf",     "securityfs", "configfs", "pstore",  "efivarfs",	 "mqueue",
	"hugetlbfs", "fusectl", "binfmt_misc", "rpc_pipefs", "nsfs", "autofs",
};

/* The next field of a mountinfo line, ended in place; NULL at its end. */
static char *field_next(char **line)
{
	char *field = *line;
	char *space;

	if (!field || !*field)
		return NULL;
	space = strchr(field, ' ');
	if (space)
		*space = '\0';
	*line = space ? space + 1 : NULL;
	return field;
}

static bool is_special(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(special_types); i++)
		if (!strcmp(type, special_types[i]))
			return true;
	return false;
}

/* "36 35 98:0 /root /mount options tags... - type source options", proc(5). */
static bool line_parse(char *line, uint64_t mount, struct origin *origin)
{
	char *id = field_next(&line);
	const char *parts[4]; /* root, mount point, type, source */
	XXH3_state_t state;
	XXH128_hash_t hash;
	char *field;

	if (!id || strtoull(id, NULL, 10) != mount)
		return false;
	field_next(&line);
	field_next(&line);
	parts[0] = field_next(&line);
	parts[1] = field_next(&line);
	while ((field = field_next(&line)) && strcmp(field, "-"))
		;
	parts[2] = field_next(&line);
	parts[3] = field_next(&line);
	XXH3_128bits_reset(&state);
	for (int i = 0; i < 4; i++) {
		if (!parts[i])
			return false;
		XXH3_128bits_update(&state, parts[i], strlen(parts[i]) + 1);
	}
	hash = XXH3_128bits_digest(&state);
	origin->id[0] = hash.low64;
	origin->id[1] = hash.high64;
	origin->unstable_inodes = !strncmp(parts[2], "fuse", 4);
	origin->special = is_special(parts[2]);
	return true;
}

/* Read the table line by line; a line longer than the buffer is cut. */
static bool mountinfo_find(char *buf, uint64_t mount, struct origin *origin)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, 0);
	size_t have = 0;
	bool found = false;
	ssize_t n;

	if (fd < 0)
		return false;
	while (!found && (n = sys_read(fd, buf + have, BUFFER_BYTES - 1 - have)) > 0) {
		char *line = buf;
		char *end;

		have += (size_t)n;
		buf[have] = '\0';
		while (!found && (end = strchr(line, '\n'))) {
			*end = '\0';
			found = line_parse(line, mount, origin);
			line = end + 1;
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have == BUFFER_BYTES - 1)
			have = 0;
	}
	sys_close(fd);
	return found;
}

static void origin_look_up(int fd, uint64_t device, struct origin *origin)
{
	char *buf = memory_map(BUFFER_BYTES);
	struct statx stx; /* with the id that mountinfo uses */

	memset(origin, 0, sizeof(*origin));
	if (!buf || sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) ||
	    !mountinfo_find(buf, stx.stx_mnt_id, origin)) {
		/* nothing that lasts is known of it: good for as long as it is mounted */
		origin->id[0] = device;
		origin->id[1] = ~UINT64_C(0);
		origin->unstable_inodes = false;
	}
	memory_unmap(buf, BUFFER_BYTES);
}

static bool slot_read(const struct cached_origin *slot, uint64_t mount, uint64_t device,
		      uint64_t now, struct origin *origin)
{
	uint32_t sequence = load_acquire(&slot->sequence);

	if (sequence & 1 || load_relaxed(&slot->mount) != mount ||
	    load_relaxed(&slot->device) != device || now >= load_relaxed(&slot->expires))
		return false;
	origin->id[0] = load_relaxed(&slot->origin.id[0]);
	origin->id[1] = load_relaxed(&slot->origin.id[1]);
	origin->unstable_inodes = load_relaxed(&slot->origin.unstable_inodes);
	origin->special = load_relaxed(&slot->origin.special);
	fence_acquire(); /* pairs with the release of the sequence in slot_write() */
	return load_relaxed(&slot->sequence) == sequence;
}

static void slot_write(struct cached_origin *slot, uint64_t mount, uint64_t device,
		       uint64_t expires, const struct origin *origin)
{
	store_relaxed(&slot->sequence, slot->sequence + 1);
	fence_release(); /* the odd sequence is seen before anything below */
	store_relaxed(&slot->mount, mount);
	store_relaxed(&slot->device, device);
	store_relaxed(&slot->expires, expires);
	store_relaxed(&slot->origin.id[0], origin->id[0]);
	store_relaxed(&slot->origin.id[1], origin->id[1]);
	store_relaxed(&slot->origin.unstable_inodes, origin->unstable_inodes);
	store_relaxed(&slot->origin.special, origin->special);
	store_release(&slot->sequence, slot->sequence + 1);
}

static bool cached_find(uint64_t mount, uint64_t device, uint64_t now, struct origin *origin)
{
	for (int i = 0; i < CACHED; i++)
		if (slot_read(&cached[i], mount, device, now, origin))
			return true;
	return false;
}

void origin_of(int fd, const struct statx *stx, struct origin *origin)
{
	bool unique = stx->stx_mask & STATX_MNT_ID_UNIQUE;
	uint64_t now = clock_coarse_ms();
	uint64_t mount = stx->stx_mnt_id;
	uint64_t device = sys_device(stx);
	struct critical critical;

	if (likely(cached_find(mount, device, now, origin)))
		return;
	critical_enter(&critical);
	pthread_mutex_lock(&origin_lock);
	if (!cached_find(mount, device, now, origin)) {
		origin_look_up(fd, device, origin);
		slot_write(&cached[cached_next++ % CACHED], mount, device,
			   unique ? UINT64_MAX : now + REUSABLE_ID_MS, origin);
	}
	pthread_mutex_unlock(&origin_lock);
	critical_leave(&critical);
}

void origin_fork_prepare(void)
{
	pthread_mutex_lock(&origin_lock);
}

void origin_fork_release(void)
{
	pthread_mutex_unlock(&origin_lock);
}
