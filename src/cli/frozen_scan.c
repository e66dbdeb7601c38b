/* SPDX-License-Identifier: MIT */
#include "cli/frozen_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/compiler.h"

#define WANTED (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_MNT_ID_UNIQUE)
/* Places of names are numbered in 32 bits, and a node may have four. */
#define NODES_MAX (UINT32_C(1) << 28)

/* Write the absolute path of a node. False: it is too long. */
static bool node_path(const struct frozen_scan *scan, uint32_t number, char *buf, size_t n)
{
	size_t at = n - 1;

	buf[at] = '\0';
	for (; number; number = scan->node[number].parent) {
		const struct frozen_node *node = &scan->node[number];

		if (node->name_length + scan->root_length + 2 > at)
			return false;
		at -= node->name_length;
		memcpy(buf + at, scan->names + node->name, node->name_length);
		buf[--at] = '/';
	}
	memmove(buf + scan->root_length, buf + at, n - at);
	memcpy(buf, scan->root, scan->root_length);
	return true;
}

static struct frozen_time time_from(const struct statx_timestamp *time)
{
	return (struct frozen_time){ .sec = time->tv_sec, .nsec = time->tv_nsec };
}

static void node_from(struct frozen_node *node, const struct statx *stx)
{
	node->mode = stx->stx_mode;
	node->nlink = stx->stx_nlink;
	node->uid = stx->stx_uid;
	node->gid = stx->stx_gid;
	node->mask = stx->stx_mask & (STATX_BASIC_STATS | STATX_BTIME);
	node->blksize = stx->stx_blksize;
	node->rdev_major = stx->stx_rdev_major;
	node->rdev_minor = stx->stx_rdev_minor;
	node->ino = stx->stx_ino;
	node->size = stx->stx_size;
	node->blocks = stx->stx_blocks;
	node->attributes = stx->stx_attributes;
	node->attributes_mask = stx->stx_attributes_mask;
	node->atime = time_from(&stx->stx_atime);
	node->btime = time_from(&stx->stx_btime);
	node->ctime = time_from(&stx->stx_ctime);
	node->mtime = time_from(&stx->stx_mtime);
}

/* Read exactly `size` bytes and then the end: a file that grows must not be recorded. */
static bool bytes_read(int fd, char *buf, uint64_t size)
{
	uint64_t at = 0;

	while (at <= size) {
		ssize_t n = read(fd, buf + at, size + 1 - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return !n && at == size;
		at += (uint64_t)n;
	}
	return false;
}

bool frozen_write(int fd, const void *bytes, size_t n, uint64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = pwrite(fd, (const char *)bytes + done, n - done, (off_t)(at + done));

		if (put <= 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

static void bytes_keep(struct frozen_scan *scan, struct frozen_node *node, const char *buf)
{
	uint64_t at = fetch_add(&scan->out_at, round_up(node->size, 8));

	if (!frozen_write(scan->out, buf, node->size, at)) {
		store_relaxed(&scan->failed, true);
		return;
	}
	node->at = at;
	node->hash = XXH3_64bits(buf, node->size);
	node->flags |= FROZEN_BYTES;
}

/* False: the file is changing. */
static bool file_scan(struct frozen_scan *scan, struct frozen_node *node, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	struct statx stx;
	bool same;
	char *buf;

	if (fd < 0)
		return true;
	node->flags |= FROZEN_READABLE;
	buf = node->size <= FROZEN_SMALL ? malloc(node->size + 1) : NULL;
	same = (!buf || bytes_read(fd, buf, node->size)) && !sys_fstatx(fd, &stx) &&
	       frozen_same(node, &stx);
	if (buf && same)
		bytes_keep(scan, node, buf);
	free(buf);
	close(fd);
	return same;
}

static bool listing_add(struct frozen_listing *listing, const struct dirent *entry)
{
	size_t n = strlen(entry->d_name) + 1;

	if (listing->count == listing->room) {
		size_t room = listing->room ? listing->room * 2 : 32;
		uint8_t *type = realloc(listing->type, room);
		uint64_t *inode = type ? realloc(listing->inode, room * sizeof(*inode)) : NULL;

		listing->type = type ? type : listing->type;
		listing->inode = inode ? inode : listing->inode;
		if (!inode)
			return false;
		listing->room = room;
	}
	if (listing->length + n > listing->text_room) {
		size_t room = (listing->length + n) * 2;
		char *text = realloc(listing->text, room);

		if (!text)
			return false;
		listing->text = text;
		listing->text_room = room;
	}
	memcpy(listing->text + listing->length, entry->d_name, n);
	listing->type[listing->count] = entry->d_type;
	listing->inode[listing->count++] = entry->d_ino;
	listing->length += n;
	return true;
}

static void directory_scan(struct frozen_node *node, const char *path,
			   struct frozen_listing *listing)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool complete = dir;
	struct statx stx;

	while (dir && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			complete = complete && listing_add(listing, entry);
	if (!dir)
		return;
	node->flags |= FROZEN_READABLE;
	if (complete && !errno && !sys_fstatx(dirfd(dir), &stx) && frozen_same(node, &stx))
		node->flags |= FROZEN_LISTED;
	closedir(dir);
}

static bool link_scan(const char *path, struct frozen_listing *listing)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0 || n >= (ssize_t)sizeof(target) - 1)
		return false;
	target[n] = '\0';
	listing->text = strdup(target);
	listing->length = listing->text ? (size_t)n : 0;
	return listing->text;
}

static uint64_t changed_ns(const struct statx *stx)
{
	return max_u64(sys_timestamp_ns(&stx->stx_mtime), sys_timestamp_ns(&stx->stx_ctime));
}

static void node_scan(struct frozen_scan *scan, uint32_t number)
{
	struct frozen_node *node = &scan->node[number];
	struct frozen_listing *listing = &scan->listing[number];
	char path[PATH_MAX];
	struct statx stx;
	bool same = true;

	if (!node_path(scan, number, path, sizeof(path)) ||
	    sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, WANTED, &stx) ||
	    (stx.stx_mask & STATX_BASIC_STATS) != STATX_BASIC_STATS ||
	    sys_device(&stx) != scan->device || stx.stx_mnt_id != scan->mount ||
	    (number && stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return;
	node_from(node, &stx);
	if (S_ISREG(node->mode))
		same = file_scan(scan, node, path);
	else if (S_ISDIR(node->mode))
		directory_scan(node, path, listing);
	else if (S_ISLNK(node->mode) && !link_scan(path, listing))
		return;
	if (node->mode & 0111 && !S_ISLNK(node->mode) &&
	    !faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		node->flags |= FROZEN_RUNNABLE;
	scan->recent[number][FROZEN_WHOLE] = !same || changed_ns(&stx) > scan->settled_ns;
	if (scan->recent[number][FROZEN_WHOLE])
		fetch_add(&scan->settling, 1);
	node->flags |= FROZEN_KNOWN;
}

static void *level_work(void *arg)
{
	struct frozen_scan *scan = arg;
	uint32_t number;

	while ((number = fetch_add(&scan->next, 1)) < scan->end && !load_relaxed(&scan->failed))
		node_scan(scan, number);
	return NULL;
}

static void level_scan(struct frozen_scan *scan)
{
	pthread_t thread[64];
	unsigned int jobs = 0;

	while (jobs + 1 < scan->jobs && jobs < ARRAY_SIZE(thread) &&
	       jobs < scan->end - scan->next &&
	       !pthread_create(&thread[jobs], NULL, level_work, scan))
		jobs++;
	level_work(scan);
	while (jobs)
		pthread_join(thread[--jobs], NULL);
}

static bool nodes_grow(struct frozen_scan *scan, size_t more, size_t text)
{
	size_t count = scan->count + more;
	void *node = realloc(scan->node, count * sizeof(*scan->node));
	void *recent, *listing;
	char *names;

	scan->node = node ? node : scan->node;
	recent = node ? realloc(scan->recent, count * sizeof(*scan->recent)) : NULL;
	scan->recent = recent ? recent : scan->recent;
	listing = recent ? realloc(scan->listing, count * sizeof(*scan->listing)) : NULL;
	scan->listing = listing ? listing : scan->listing;
	names = listing ? realloc(scan->names, scan->names_length + text + 1) : NULL;
	scan->names = names ? names : scan->names;
	if (!names || count > NODES_MAX || scan->names_length + text > UINT32_MAX)
		return false;
	memset(scan->node + scan->count, 0, more * sizeof(*scan->node));
	memset(scan->recent + scan->count, 0, more * sizeof(*scan->recent));
	memset(scan->listing + scan->count, 0, more * sizeof(*scan->listing));
	return true;
}

static uint32_t name_add(struct frozen_scan *scan, const char *name, size_t n)
{
	uint32_t at = (uint32_t)scan->names_length;

	memcpy(scan->names + at, name, n);
	scan->names_length += n;
	return at;
}

/* What was found of the node becomes nodes of its own. */
static void listing_take(struct frozen_scan *scan, uint32_t number,
			 const struct frozen_listing *listing)
{
	struct frozen_node *node = &scan->node[number];
	const char *name = listing->text;

	if (S_ISLNK(node->mode) && listing->length) {
		node->link_length = (uint16_t)listing->length;
		node->link = name_add(scan, listing->text, listing->length);
		return;
	}
	node->first = scan->count;
	node->count = (uint32_t)listing->count;
	for (size_t i = 0; i < listing->count; i++, name += strlen(name) + 1) {
		struct frozen_node *child = &scan->node[scan->count++];

		child->parent = number;
		child->mode = (uint16_t)DTTOIF(listing->type[i]);
		child->ino = listing->inode[i];
		child->name_length = (uint16_t)strlen(name);
		child->name = name_add(scan, name, child->name_length);
	}
}

static int level_take(struct frozen_scan *scan, uint32_t from, uint32_t end)
{
	size_t more = 0, text = 0;

	for (uint32_t i = from; i < end; i++) {
		more += scan->listing[i].count;
		text += scan->listing[i].length;
	}
	if (!nodes_grow(scan, more, text))
		return -1;
	for (uint32_t i = from; i < end; i++)
		listing_take(scan, i, &scan->listing[i]);
	return 0;
}

int frozen_scan(struct frozen_scan *scan)
{
	uint32_t from = 0;

	errno = ENOMEM;
	if (!nodes_grow(scan, 1, 0))
		return -1;
	scan->count = 1;
	while (from < scan->count) {
		uint32_t end = scan->count;

		scan->next = from;
		scan->end = end;
		level_scan(scan);
		errno = scan->failed ? ENOSPC : ENOMEM;
		if (scan->failed || level_take(scan, from, end))
			return -1;
		from = end;
	}
	return 0;
}

void frozen_scan_fini(struct frozen_scan *scan)
{
	for (uint32_t i = 0; i < scan->count; i++) {
		free(scan->listing[i].text);
		free(scan->listing[i].type);
		free(scan->listing[i].inode);
	}
	free(scan->listing);
	free(scan->node);
	free(scan->recent);
	free(scan->names);
}
