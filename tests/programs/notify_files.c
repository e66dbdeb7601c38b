/* SPDX-License-Identifier: MIT */
/* Files' bytes in sealed memory, one for each state of their attributes. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

#define SMALL (1 << 20)	   /* larger files are the program's own to read */
#define TOTAL (512L << 20) /* of memory in all */
#define SETTLE_MS 50	   /* files that changed later than this ago are passed on */

static bool same_state(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       !memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) &&
	       !memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim));
}

static long age_ms(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - t->tv_sec) * 1000 + (now.tv_nsec - t->tv_nsec) / 1000000;
}

static unsigned int slot_of(const struct stat *st)
{
	uint64_t h = (st->st_ino * UINT64_C(0x9e3779b97f4a7c15)) ^ st->st_dev;

	return (unsigned int)(h >> 48) % SLOTS;
}

/* With the lock. The file's bytes, or the slot for them. */
static struct kept *kept_find(const struct stat *st)
{
	unsigned int at = slot_of(st);

	while (kept[at].inode && !same_state(&kept[at].key, st))
		at = (at + 1) % SLOTS;
	return &kept[at];
}

struct kept *kept_by_inode(ino_t inode)
{
	unsigned int at = inode % SLOTS;

	while (by_inode[at] && kept[by_inode[at] - 1].inode != inode)
		at = (at + 1) % SLOTS;
	return by_inode[at] ? &kept[by_inode[at] - 1] : NULL;
}

static bool copy(int from, int to, off_t bytes)
{
	static __thread char buffer[SMALL];
	off_t n = 0;
	ssize_t got;

	while ((got = read(from, buffer + n, (size_t)(bytes - n))) > 0)
		n += got;
	return !got && n == bytes && write(to, buffer, (size_t)n) == n;
}

/* The bytes of `origin` in a sealed memfd, if they are one version. */
static int memory_make(const char *path, const struct stat *st)
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int to = memfd_create("notify", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat before, after;

	if (from >= 0 && to >= 0 && !fstat(from, &before) && same_state(&before, st) &&
	    copy(from, to, st->st_size) && !fstat(from, &after) && same_state(&after, st) &&
	    !fcntl(to, F_ADD_SEALS, seals)) {
		close(from);
		return to;
	}
	close(from);
	close(to);
	return -1;
}

/* With the lock. Takes `memory` and a copy of `origin`. */
static struct kept *kept_add(const struct stat *st, int origin, int memory)
{
	struct kept *k = kept_find(st);
	struct stat own;
	unsigned int at;

	if (k->inode || fstat(memory, &own) ||
	    kept_count >= SLOTS / 2) { /* another thread was first; too many */
		close(memory);
		return k->inode ? k : NULL;
	}
	*k = (struct kept){ *st, fcntl(origin, F_DUPFD_CLOEXEC, 0), memory, own.st_ino };
	memory_device = own.st_dev;
	for (at = own.st_ino % SLOTS; by_inode[at]; at = (at + 1) % SLOTS)
		;
	by_inode[at] = (unsigned int)(k - kept) + 1;
	kept_count++;
	kept_bytes += st->st_size;
	return k;
}

struct kept *kept_get(int origin, const char *path)
{
	struct stat st;
	struct kept *k;
	int memory;

	if (fstat(origin, &st) || !S_ISREG(st.st_mode) || st.st_size > SMALL ||
	    age_ms(&st.st_mtim) < SETTLE_MS || age_ms(&st.st_ctim) < SETTLE_MS ||
	    faccessat(origin, "", R_OK, AT_EMPTY_PATH | AT_EACCESS))
		return NULL;
	pthread_mutex_lock(&lock);
	k = kept_find(&st);
	k = k->inode ? k : NULL;
	pthread_mutex_unlock(&lock);
	if (k || kept_bytes + st.st_size > TOTAL)
		return k;
	memory = memory_make(path, &st);
	if (memory < 0)
		return NULL;
	pthread_mutex_lock(&lock);
	k = kept_add(&st, origin, memory);
	pthread_mutex_unlock(&lock);
	return k;
}
