/* SPDX-License-Identifier: MIT */
#include "core/shared/aside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/fdpath.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stats.h"
#include "base/sys.h"
#include "core/image/format.h"
#include "core/shared/names.h"

#define ASIDE_MAGIC "RCASIDE1"
#define ASIDE_BYTES 8192u /* whole pages: a head of 1 KiB, and counters of a page at most */
/* No counter can have become larger: such a number was made up. */
#define PLAUSIBLE (UINT64_C(1) << 60)

struct aside {
	char magic[8];
	uint64_t stats_bytes; /* of this version: other versions have other counters */
	char path[1008];      /* of the image */
	struct rawcache_stats stats;
};
static_assert(sizeof(struct rawcache_stats) <= FORMAT_PAGE, "totals");
static_assert(offsetof(struct aside, stats) < FORMAT_PAGE && sizeof(struct aside) <= ASIDE_BYTES,
	      "aside");

static struct rawcache_stats *no_block(void)
{
	return NULL;
}

static void no_block_put(struct rawcache_stats *block)
{
	(void)block;
}

static struct stats_provider provider = { .thread = no_block, .release = no_block_put };
static size_t provider_bytes; /* size of the mapping in which its block lies */

static void provider_begin(struct rawcache_stats *block, size_t bytes)
{
	provider.shared = block;
	provider_bytes = bytes;
	stats_set_provider(&provider);
}

/* The path by which all processes name the image: links are resolved if it can be reached. */
static bool path_resolve(const char *device, char *path, size_t room)
{
	int fd = sys_openat(AT_FDCWD, device, O_PATH | O_CLOEXEC, 0);
	char self[FDPATH_BYTES];
	ssize_t n = -1;

	memset(path, 0, room);
	if (fd >= 0) {
		fdpath(self, fd);
		n = sys_readlinkat(AT_FDCWD, self, path, room - 1);
		sys_close(fd);
	}
	if (n <= 0 && device[0] == '/')
		n = snprintf(path, room, "%s", device);
	return n > 0 && (size_t)n < room - 1;
}

static uint64_t path_hash(const char *path)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * UINT64_C(0x100000001b3);
	return h;
}

/* Open the page for this image. 0 or -errno. */
static int page_open(const char *dir, const char *path)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct statx stx;
	char name[300];
	int fd;
	int n = snprintf(name, sizeof(name), "%s/" NAMES_ASIDE "%u-%016llx", dir ? dir : "/dev/shm",
			 sys_geteuid(), (unsigned long long)path_hash(path));

	if (n < 0 || (size_t)n >= sizeof(name))
		return -ENAMETOOLONG;
	fd = sys_openat(AT_FDCWD, name, flags, 0644);
	if (fd < 0)
		return fd;
	if (!sys_fstatx(fd, &stx) && S_ISREG(stx.stx_mode) && sys_fd_is_ours(fd, &stx) &&
	    sys_file_size_allowed(ASIDE_BYTES) && !sys_fallocate(fd, 0, 0, ASIDE_BYTES))
		return fd;
	sys_close(fd);
	return -EPERM;
}

static struct aside *page_map(int fd, int prot)
{
	void *page = sys_mmap(NULL, ASIDE_BYTES, prot, MAP_SHARED, fd, 0);

	return sys_is_error(page) ? NULL : page;
}

void aside_begin(const char *dir, const char *device)
{
	char path[sizeof(((struct aside *)NULL)->path)];
	struct aside *page = NULL;
	int fd;

	if (provider.shared || !path_resolve(device, path, sizeof(path)))
		return;
	fd = page_open(dir, path);
	if (fd >= 0) {
		page = page_map(fd, PROT_READ | PROT_WRITE);
		sys_close(fd);
	}
	if (!page) {
		log_warn("nothing is counted for %s: there is no place for it", device);
		return;
	}
	/* all processes with the same path write the same bytes */
	memcpy(page->path, path, sizeof(path));
	page->stats_bytes = sizeof(page->stats);
	memcpy(page->magic, ASIDE_MAGIC, sizeof(page->magic));
	provider_begin(&page->stats, ASIDE_BYTES);
}

bool aside_begin_totals(const char *device, bool allow_shared)
{
	void *totals = (void *)-ENODEV;
	enum rawcache_reason reason;
	struct image image;
	const char *why;

	if (provider.shared || image_open(&image, device, false, allow_shared, &why, &reason))
		return false;
	/* not a device: we do not hold it, and another program may soon write to it */
	if (!image.read_only && !image.block_device)
		totals = sys_mmap(NULL, FORMAT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, image.fd,
				  FORMAT_TOTALS);
	image_close(&image);
	if (sys_is_error(totals))
		return false;
	provider_begin(totals, FORMAT_PAGE);
	return true;
}

void aside_fork_child(void)
{
	if (provider.shared)
		stats_set_provider(&provider);
}

bool aside_fault(uintptr_t address)
{
	uintptr_t page = (uintptr_t)provider.shared & ~(uintptr_t)(FORMAT_PAGE - 1);

	if (!provider.shared || address < page || address >= page + provider_bytes)
		return false;
	return !sys_is_error(sys_mmap((void *)page, provider_bytes, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

/* --- for readers of the statistics */

static bool page_is_of(const struct aside *page, const char *path)
{
	return !memcmp(page->magic, ASIDE_MAGIC, sizeof(page->magic)) &&
	       page->stats_bytes == sizeof(page->stats) && !page->path[sizeof(page->path) - 1] &&
	       (!path || !strcmp(page->path, path));
}

static struct aside *page_read(int dir, const char *name, struct statx *stx)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd = sys_openat(dir, name, flags, 0);
	struct aside *page = NULL;

	if (fd < 0)
		return NULL;
	if (!sys_fstatx(fd, stx) && S_ISREG(stx->stx_mode) && stx->stx_size == ASIDE_BYTES)
		page = memory_map(ASIDE_BYTES);
	/* it is read, not mapped: its owner may truncate it */
	if (page && sys_pread(fd, page, ASIDE_BYTES, 0) != ASIDE_BYTES) {
		memory_unmap(page, ASIDE_BYTES);
		page = NULL;
	}
	sys_close(fd);
	return page;
}

struct sum {
	const char *path;
	struct rawcache_stats *total;
};

static void page_add(int dir, const char *name, void *arg)
{
	const struct sum *sum = arg;
	struct statx stx;
	struct aside *page = page_read(dir, name, &stx);
	uint64_t *words;

	if (!page)
		return;
	words = (uint64_t *)&page->stats;
	for (size_t i = 0; i < STATS_WORDS; i++)
		if (words[i] > PLAUSIBLE)
			words[i] = 0;
	if (page_is_of(page, sum->path))
		stats_fold(sum->total, &page->stats);
	memory_unmap(page, ASIDE_BYTES);
}

void aside_total(const struct image *image, const char *segment, struct rawcache_stats *total)
{
	struct sum sum = { .total = total };
	char path[sizeof(((struct aside *)NULL)->path)] = "";
	char self[FDPATH_BYTES];
	char dir[256];
	char *slash;

	fdpath(self, image->fd);
	if (sys_readlinkat(AT_FDCWD, self, path, sizeof(path) - 1) <= 0)
		return;
	snprintf(dir, sizeof(dir), "%s", segment);
	slash = strrchr(dir, '/');
	if (!slash)
		return;
	*slash = '\0';
	sum.path = path;
	names_each(dir, NAMES_ASIDE, page_add, &sum);
}

bool aside_left(int dir, const char *name)
{
	struct statx stx;
	struct aside *page = page_read(dir, name, &stx);
	bool left = false;

	if (!page)
		return false;
	if (stx.stx_uid == sys_geteuid() && page_is_of(page, NULL)) {
		struct statx image;

		left = sys_statx(AT_FDCWD, page->path, 0, STATX_INO, &image) == -ENOENT;
	}
	memory_unmap(page, ASIDE_BYTES);
	return left;
}
