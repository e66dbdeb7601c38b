/* SPDX-License-Identifier: MIT */
#include "core/shared/runtime.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/sys.h"
#include "core/shared/sweep.h"

#define FUSE_MAGIC 0x65735546
#define ATTACH_PATIENCE_MS 1000u
#ifndef LOCK_PATIENCE_MS /* the model of tests/ has a slower clock */
#define LOCK_PATIENCE_MS 100u
#endif
#define LOCK_SPINS 50
#define LOCK_NAP_NS 20000
#define LOCK_NAP_MAX_NS 1000000
#define LOCK_IMPATIENCE_MS 1000u

int runtime_lock_byte(int fd, uint64_t byte, int type)
{
	struct flock lock = {
		.l_type = (short)type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)byte,
		.l_len = 1,
	};

	return sys_fcntl(fd, F_OFD_SETLK, (uintptr_t)&lock);
}

static uint64_t layout_fingerprint(void)
{
	static const uint64_t sizes[] = {
		sizeof(struct runtime_header), sizeof(struct process_slot),
		sizeof(struct stats_block),    sizeof(struct flight),
		sizeof(pthread_mutex_t),       sizeof(void *),
		RUNTIME_SLOTS,		       RUNTIME_BLOCKS,
		RUNTIME_FLIGHTS,	       RUNTIME_WRITERS,
		SPACE_RESTS,		       SPACE_RUNS,
		RUNTIME_NEXT,		       RUNTIME_GHOSTS_MAX,
		RUNTIME_HOLDS_MAX,	       sizeof(struct watch),
		sizeof(struct watch_row),
	};
	uint64_t print = RUNTIME_VERSION;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		print = (print ^ sizes[i]) * UINT64_C(0x100000001b3);
	return print;
}

/* A quarter of the entries that the index has room for, as a power of two. */
static uint32_t ghosts_wanted(uint32_t visited_count)
{
	uint64_t wanted = max_u64(visited_count / 4, RUNTIME_GHOSTS_MIN);

	return 1u << log2_floor(min_u64(wanted, RUNTIME_GHOSTS_MAX));
}

static uint32_t visited_wanted(const struct image *image)
{
	uint64_t entries = (uint64_t)image->sb.bucket_count * BUCKET_ENTRIES;

	return (uint32_t)min_u64(entries, RUNTIME_VISITED_MAX);
}

/* Neighbouring regions share a bit where there are more than a row may have. */
static uint32_t hold_shift_wanted(const struct image *image)
{
	uint32_t shift = 0;

	while ((image->sb.region_count - 1) >> shift >= RUNTIME_HOLDS_MAX)
		shift++;
	return shift;
}

/* Places of the parts; with `base` NULL only the size is worked out. */
static uint64_t runtime_place(struct runtime *runtime, char *base, const struct image *image)
{
	uint32_t visited_count = visited_wanted(image);
	uint32_t hold_shift = hold_shift_wanted(image);
	/* whole cache lines: a row is written by its owner */
	uint64_t hold_bytes = round_up(((image->sb.region_count - 1) >> hold_shift) / 8 + 1, 64);
	uint64_t slots = sizeof(struct runtime_header);
	uint64_t holds = slots + RUNTIME_SLOTS * sizeof(struct process_slot);
	uint64_t blocks = holds + RUNTIME_SLOTS * hold_bytes;
	uint64_t flights = blocks + RUNTIME_BLOCKS * sizeof(struct stats_block);
	uint64_t writers = flights + RUNTIME_FLIGHTS * sizeof(struct flight);
	uint64_t watch = round_up(writers + RUNTIME_WRITERS * sizeof(uint32_t), 64);
	uint64_t ghosts = watch + sizeof(struct watch) + RUNTIME_SLOTS * sizeof(struct watch_row);
	uint32_t ghost_count = ghosts_wanted(visited_count);
	uint64_t visited = ghosts + ghost_count * sizeof(uint64_t);

	if (base) {
		runtime->header = (struct runtime_header *)base;
		runtime->slots = (struct process_slot *)(base + slots);
		runtime->holds = (uint64_t *)(base + holds);
		runtime->hold_words = (uint32_t)(hold_bytes / sizeof(uint64_t));
		runtime->hold_shift = hold_shift;
		runtime->blocks = (struct stats_block *)(base + blocks);
		runtime->flights = (struct flight *)(base + flights);
		runtime->writers = (uint32_t *)(base + writers);
		runtime->watch = (struct watch *)(base + watch);
		runtime->watch_rows = (struct watch_row *)(runtime->watch + 1);
		runtime->ghosts = (uint64_t *)(base + ghosts);
		runtime->ghost_count = ghost_count;
		runtime->visited = (uint8_t *)(base + visited);
		runtime->visited_count = visited_count;
	}
	return round_up(visited + visited_count, FORMAT_PAGE);
}

static int runtime_path(char *path, size_t room, const uint8_t uuid[16], const char *dir)
{
	char text[37];
	int n;

	uuid_format(uuid, text);
	n = snprintf(path, room, "%s/rawcache-%s", dir ? dir : "/dev/shm", text);
	return n < 0 || (size_t)n >= room ? -ENAMETOOLONG : 0;
}

/* Whether a process has a slot in the segment at `path`. */
static bool path_in_use(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)LOCK_SLOT,
			      .l_len = RUNTIME_SLOTS };
	int fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	bool used = fd >= 0 && !sys_fcntl(fd, F_OFD_GETLK, (uintptr_t)&lock) &&
		    lock.l_type != F_UNLCK;

	if (fd >= 0)
		sys_close(fd);
	return used;
}

void runtime_remove(const uint8_t uuid[16], const char *dir)
{
	char path[256];

	if (!runtime_path(path, sizeof(path), uuid, dir) && !path_in_use(path))
		sys_unlinkat(AT_FDCWD, path, 0);
}

static int runtime_fd_note(struct runtime *runtime)
{
	struct statx stx;
	int err = sys_fstatx(runtime->fd, &stx);

	runtime->inode = stx.stx_ino;
	runtime->device = sys_device(&stx);
	return err;
}

bool runtime_fd_valid(const struct runtime *runtime)
{
	return !runtime->foreign && sys_fd_is(runtime->fd, runtime->device, runtime->inode);
}

static int runtime_map(struct runtime *runtime, uint64_t bytes, const struct image *image)
{
	int prot = runtime->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	char *base = sys_mmap(NULL, bytes, prot, MAP_SHARED, runtime->fd, 0);

	if (sys_is_error(base))
		return (int)(intptr_t)base;
	runtime->bytes = bytes;
	runtime_place(runtime, base, image);
	return runtime_fd_note(runtime);
}

/* Whether every user of this group, or everybody, may write the image: then they may make its segment. */
static bool owner_trusted(const struct image *image, const struct statx *stx)
{
	return stx->stx_uid == image->owner || stx->stx_uid == sys_geteuid() || !stx->stx_uid ||
	       (image->mode & 0002) || ((image->mode & 0020) && stx->stx_gid == image->group);
}

/* A segment in a directory where anybody may make files is believed only if it is ours. */
static bool runtime_trusted(int fd, const struct image *image, uint64_t *bytes)
{
	struct statx stx;

	if (sys_fstatx(fd, &stx) || !S_ISREG(stx.stx_mode))
		return false;
	if (!owner_trusted(image, &stx))
		return false;
	if ((stx.stx_mode & 0022) & ~image->mode)
		return false;
	/* what a group may write is the image's group's, and not another's */
	if (stx.stx_mode & 0020 && !(image->mode & 0002) && stx.stx_gid != image->group)
		return false;
	*bytes = stx.stx_size;
	return true;
}

/*
 * Nodes of block devices have any inode, and the device itself may come back with another number; on FUSE
 * a file's inode changes when the kernel forgets it.
 */
static uint64_t place_of(const struct image *image)
{
	struct statfs fs;

	if (image->block_device || sys_fstatfs(image->fd, &fs) || fs.f_type == FUSE_MAGIC)
		return 0;
	return image->inode;
}

static bool header_fits(const struct runtime *runtime, const struct image *image,
			const uint8_t boot_id[16])
{
	const struct runtime_header *h = runtime->header;

	return load_acquire(&h->ready) == 1 && !memcmp(h->magic, RUNTIME_MAGIC, 8) &&
	       h->version == RUNTIME_VERSION && h->layout == layout_fingerprint() &&
	       h->bytes == runtime->bytes && h->visited_count == runtime->visited_count &&
	       !memcmp(h->image_uuid, image->sb.uuid, 16) && !memcmp(h->boot_id, boot_id, 16) &&
	       h->image_inode == place_of(image) && runtime_is_current(runtime, image);
}

/* Open what is there, if it is the segment that the image's users have. */
static int runtime_open(struct runtime *runtime, const struct image *image,
			const uint8_t boot_id[16])
{
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (image->read_only ? O_RDONLY : O_RDWR);
	uint64_t bytes = 0;
	int err;

	runtime->read_only = image->read_only;
	runtime->fd = sys_openat(AT_FDCWD, runtime->path, flags, 0);
	if (runtime->fd < 0)
		return runtime->fd;
	runtime->fd = image_fd_hide(runtime->fd);
	if (runtime->fd < 0)
		return runtime->fd;
	err = -ESTALE;
	if (!runtime_trusted(runtime->fd, image, &bytes) ||
	    bytes != runtime_place(runtime, NULL, image))
		goto out;
	err = runtime_map(runtime, bytes, image);
	if (!err && !header_fits(runtime, image, boot_id))
		err = -ESTALE;
	if (!err && !runtime->read_only)
		err = runtime_reopen(runtime);
out:
	if (err)
		runtime_detach(runtime);
	return err;
}

static int robust_lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int err = pthread_mutexattr_init(&attr);

	if (err)
		return -err;
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	err = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -err;
}

bool runtime_is_current(const struct runtime *runtime, const struct image *image)
{
	return !memcmp(runtime->header->id, image->state->runtime_id, 16);
}

bool runtime_image_fits(const struct runtime *runtime, const struct image *image)
{
	const struct runtime_header *h = runtime->header;
	uint64_t nonce = load_relaxed(&image->state->nonce);

	return nonce == load_relaxed(&h->nonce) || nonce == load_relaxed(&h->nonce_next);
}

/* Who dies in between leaves one of the two that fits. */
void runtime_renew(struct runtime *runtime, struct image *image)
{
	struct runtime_header *h = runtime->header;
	uint64_t nonce;

	if (sys_getrandom(&nonce, sizeof(nonce)) != (ssize_t)sizeof(nonce))
		return;
	store_release(&h->nonce, load_relaxed(&image->state->nonce));
	store_release(&h->nonce_next, nonce);
	CRASH_POINT(nonce_told);
	store_release(&image->state->nonce, nonce);
}

static int header_init(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	struct runtime_header *h = runtime->header;
	int err = robust_lock_init(&h->region_lock);

	for (uint32_t log = 0; !err && log < REGION_LOGS; log++)
		err = robust_lock_init(&h->space[log].lock);
	for (uint32_t i = 0; !err && i < RUNTIME_INDEX_LOCKS; i++)
		err = robust_lock_init(&h->index_lock[i]);
	if (err)
		return err;
	memcpy(h->magic, RUNTIME_MAGIC, 8);
	h->version = RUNTIME_VERSION;
	h->layout = layout_fingerprint();
	h->bytes = runtime->bytes;
	h->visited_count = runtime->visited_count;
	memcpy(h->image_uuid, image->sb.uuid, 16);
	memcpy(h->boot_id, boot_id, 16);
	if (sys_getrandom(h->id, 16) != 16)
		return -EIO;
	memcpy(image->state->runtime_id, h->id, 16);
	runtime_renew(runtime, image);
	sweep_home(&h->home, image);
	h->device = image->device;
	h->image_inode = place_of(image);
	h->epoch = image->sb.epoch;
	CRASH_POINT(segment_named);
	store_release(&h->ready, 1);
	CRASH_POINT(segment_ready);
	return 0;
}

/* Nobody is attached, so whoever was recycling a region is dead. */
static void regions_disown(struct image *image)
{
	for (uint32_t n = 0; n < image->sb.region_count; n++)
		image->regions[n].owner = 0;
}

/*
 * Locks of a block device are those of its node, and containers have nodes of their own: there
 * may be users that we do not see. A segment of this boot that is not here may be theirs.
 */
static bool users_hidden(const struct image *image, const uint8_t boot_id[16])
{
	static const uint8_t none[16];

	return image->block_device && image_epoch_current(image, boot_id) &&
	       memcmp(image->state->runtime_id, none, 16);
}

/* With LOCK_USERS held exclusively: nobody is attached, so what lies there is nobody's. */
static int runtime_create(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	uint64_t bytes = runtime_place(runtime, NULL, image);
	int err;

	if (users_hidden(image, boot_id))
		return -EBUSY;
	/* a copy of the image has the same name for its segment */
	if (path_in_use(runtime->path))
		return -EBUSY;
	err = image_epoch_begin(image, boot_id);
	if (err)
		return err;
	CRASH_POINT(epoch_begun);
	regions_disown(image);
	err = sys_unlinkat(AT_FDCWD, runtime->path, 0);
	if (err && err != -ENOENT)
		return err;
	runtime->read_only = false;
	runtime->fd = image_fd_hide(sys_openat(
		AT_FDCWD, runtime->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (runtime->fd < 0)
		return runtime->fd;
	if (image->mode & 0020)
		sys_fchown(runtime->fd, UINT32_MAX, image->group);
	if (image->mode & 0022)
		sys_fchmod(runtime->fd, image->mode);
	CRASH_POINT(segment_created);
	/* all of it now: a full tmpfs must be an error here, not a SIGBUS later */
	err = sys_file_size_allowed(bytes) ? 0 : -EFBIG;
	while (!err && (err = sys_fallocate(runtime->fd, 0, 0, bytes)) == -EINTR)
		err = 0;
	CRASH_POINT(segment_sized);
	if (!err)
		err = runtime_map(runtime, bytes, image);
	if (!err)
		err = header_init(runtime, image, boot_id);
	if (!err)
		err = runtime_reopen(runtime);
	if (err) {
		sys_unlinkat(AT_FDCWD, runtime->path, 0);
		runtime_detach(runtime);
	}
	return err;
}

int runtime_distrust(struct runtime *runtime, struct image *image)
{
	static uint32_t busy; /* the process whose thread is at it; a fork child has its parent's */
	struct runtime_header *h = runtime->header;
	uint32_t own = (uint32_t)sys_getpid();
	uint32_t seen = load_relaxed(&busy);
	uint64_t none = 0;
	int err;

	if (!h || runtime->read_only || image->read_only)
		return -EROFS;
	store_release(&h->epoch, 0);
	CRASH_POINT(distrusted);
	/* one thread at a time: the superblock in memory is read, changed and written */
	if (seen == own || !cas(&busy, &seen, own))
		return -EBUSY;
	err = image_epoch_next(image);
	/* of several processes any will do: what they write is no lower than what is read */
	if (!err)
		cas(&h->epoch, &none, image->sb.epoch);
	store_release(&busy, 0);
	return err;
}

/*
 * With LOCK_USERS: an image that was unmounted since it was used, with a disk that lost writes before,
 * has other bytes than the last user saw, and the kernel has forgotten the error. If the file
 * system comes back with another device number, that shows.
 */
static void device_check(struct runtime *runtime, struct image *image)
{
	struct runtime_header *h = runtime->header;

	if (runtime->read_only || load_relaxed(&h->device) == image->device ||
	    runtime_lock_byte(image->fd, LOCK_USERS, F_WRLCK))
		return;
	store_release(&h->epoch, 0); /* whoever stores next begins another */
	store_release(&h->device, image->device);
	runtime_lock_byte(image->fd, LOCK_USERS, F_RDLCK);
}

static void nap_ms(unsigned int ms)
{
	struct timespec t = { 0, (long)ms * 1000000 };

	sys_nanosleep(&t);
}

/*
 * One round: -EAGAIN when somebody else is between two states. On success LOCK_USERS is held
 * shared.
 */
static int attach_round(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	int err = runtime_lock_byte(image->fd, LOCK_USERS, F_RDLCK);

	if (err)
		return err == -EACCES ? -EAGAIN : err;
	err = image_refresh(image);
	if (err)
		return err == -ESTALE ? -EREMCHG : err;
	err = runtime_open(runtime, image, boot_id);
	if (!err)
		device_check(runtime, image);
	if (!err)
		return 0;
	if (image->read_only) {
		/* without a segment it is no user, and must not keep others from making one */
		runtime_lock_byte(image->fd, LOCK_READERS, F_RDLCK);
		runtime_lock_byte(image->fd, LOCK_USERS, F_UNLCK);
		return err;
	}
	if (err != -ENOENT && err != -ESTALE)
		return err;
	if (runtime_lock_byte(image->fd, LOCK_USERS, F_WRLCK)) {
		runtime_lock_byte(image->fd, LOCK_USERS, F_UNLCK);
		return -EAGAIN;
	}
	/* the last one before us may have made it, or begun the epoch, meanwhile */
	err = image_refresh(image);
	if (!err)
		err = runtime_open(runtime, image, boot_id);
	else if (err == -ESTALE)
		return -EREMCHG;
	if (err)
		err = runtime_create(runtime, image, boot_id);
	runtime_lock_byte(image->fd, LOCK_USERS, err ? F_UNLCK : F_RDLCK);
	return err;
}

int runtime_attach(struct runtime *runtime, struct image *image, const char *dir,
		   enum rawcache_reason *reason)
{
	uint64_t deadline = clock_mono_ns() + ATTACH_PATIENCE_MS * UINT64_C(1000000);
	uint8_t boot_id[16];
	unsigned int wait_ms = 1;
	int err;

	memset(runtime, 0, sizeof(*runtime));
	runtime->fd = -1;
	*reason = RAWCACHE_REASON_runtime_failed;
	err = boot_id_read(boot_id);
	if (!err)
		err = runtime_path(runtime->path, sizeof(runtime->path), image->sb.uuid, dir);
	if (err)
		return err;
	for (;;) {
		err = attach_round(runtime, image, boot_id);
		if (err == -EBUSY)
			*reason = RAWCACHE_REASON_runtime_unreachable;
		if (err != -EAGAIN)
			break;
		if (clock_mono_ns() > deadline) {
			*reason = RAWCACHE_REASON_runtime_unreachable;
			return -EBUSY;
		}
		/* two that both want to be exclusive must not keep step */
		nap_ms(wait_ms + (unsigned int)(clock_mono_ns() >> 10) % 3);
		wait_ms = wait_ms < 16 ? wait_ms * 2 : 16;
	}
	sweep_now_and_then(runtime, dir);
	return err;
}

void runtime_detach(struct runtime *runtime)
{
	if (runtime->header)
		sys_munmap(runtime->header, runtime->bytes);
	if (runtime->fd >= 0 && (!runtime->inode || runtime_fd_valid(runtime)))
		sys_close(runtime->fd);
	runtime->header = NULL;
	runtime->fd = -1;
}

int runtime_reopen(struct runtime *runtime)
{
	char self[40];
	int fd;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", runtime->fd);
	fd = sys_openat(AT_FDCWD, self, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		fd = sys_openat(AT_FDCWD, runtime->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	if (!sys_fd_is(fd, runtime->device, runtime->inode)) {
		sys_close(fd);
		return -ESTALE;
	}
	runtime->foreign = false;
	if (runtime_fd_valid(runtime))
		sys_close(runtime->fd);
	runtime->fd = image_fd_hide(fd);
	runtime->foreign = runtime->fd < 0;
	return runtime->fd < 0 ? runtime->fd : 0;
}

/*
 * Until when nobody in this process waits for a lock any more: an owner that was not done in
 * 100 ms is stopped, and a program must not pay that time for each of its reads.
 */
static uint64_t lock_impatient_until;

/*
 * Looking again and again, not in the kernel: who dies while it waits there names the lock as one that
 * it may have, and the kernel frees it if the owner has the same thread number. In pid namespaces
 * two threads can.
 */
static int lock_wait(pthread_mutex_t *lock)
{
	uint64_t now = clock_mono_ns();
	uint64_t end = now + LOCK_PATIENCE_MS * UINT64_C(1000000);
	struct timespec nap = { 0, LOCK_NAP_NS };
	int err;

	if (now < load_relaxed(&lock_impatient_until))
		return ETIMEDOUT;
	for (int tries = 0; tries < LOCK_SPINS; tries++) {
		cpu_relax();
		err = pthread_mutex_trylock(lock);
		if (err != EBUSY)
			return err;
	}
	do {
		sys_nanosleep(&nap);
		nap.tv_nsec = (long)min_u64(2 * (uint64_t)nap.tv_nsec, LOCK_NAP_MAX_NS);
		err = pthread_mutex_trylock(lock);
	} while (err == EBUSY && clock_mono_ns() < end);
	if (err == EBUSY)
		store_relaxed(&lock_impatient_until,
			      clock_mono_ns() + LOCK_IMPATIENCE_MS * UINT64_C(1000000));
	return err == EBUSY ? ETIMEDOUT : err;
}

int runtime_lock(pthread_mutex_t *lock)
{
	int err = pthread_mutex_trylock(lock);

	if (err == EBUSY)
		err = lock_wait(lock);
	if (err == EOWNERDEAD)
		err = pthread_mutex_consistent(lock);
	return -err;
}

void runtime_unlock(pthread_mutex_t *lock)
{
	pthread_mutex_unlock(lock);
}
