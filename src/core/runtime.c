/* SPDX-License-Identifier: MIT */
#include "core/runtime.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/sys.h"

#define ATTACH_PATIENCE_MS 1000u
#define LOCK_PATIENCE_MS 100u
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
	};
	uint64_t print = RUNTIME_VERSION;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		print = (print ^ sizes[i]) * UINT64_C(0x100000001b3);
	return print;
}

/* Places of the parts; with `base` NULL only the size is worked out. */
static uint64_t runtime_place(struct runtime *runtime, char *base, uint32_t visited_count)
{
	uint64_t slots = sizeof(struct runtime_header);
	uint64_t blocks = slots + RUNTIME_SLOTS * sizeof(struct process_slot);
	uint64_t flights = blocks + RUNTIME_BLOCKS * sizeof(struct stats_block);
	uint64_t writers = flights + RUNTIME_FLIGHTS * sizeof(struct flight);
	uint64_t visited = writers + RUNTIME_WRITERS * sizeof(uint32_t);

	if (base) {
		runtime->header = (struct runtime_header *)base;
		runtime->slots = (struct process_slot *)(base + slots);
		runtime->blocks = (struct stats_block *)(base + blocks);
		runtime->flights = (struct flight *)(base + flights);
		runtime->writers = (uint32_t *)(base + writers);
		runtime->visited = (uint8_t *)(base + visited);
		runtime->visited_count = visited_count;
	}
	return round_up(visited + visited_count, FORMAT_PAGE);
}

static uint32_t visited_wanted(const struct image *image)
{
	uint64_t entries = (uint64_t)image->sb.bucket_count * BUCKET_ENTRIES;

	return (uint32_t)min_u64(entries, RUNTIME_VISITED_MAX);
}

static int runtime_path(struct runtime *runtime, const struct image *image, const char *dir)
{
	char uuid[37];
	int n;

	uuid_format(image->sb.uuid, uuid);
	n = snprintf(runtime->path, sizeof(runtime->path), "%s/rawcache-%s",
		     dir ? dir : "/dev/shm", uuid);
	return n < 0 || (size_t)n >= sizeof(runtime->path) ? -ENAMETOOLONG : 0;
}

static int runtime_map(struct runtime *runtime, uint64_t bytes, uint32_t visited_count)
{
	int prot = runtime->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	char *base = sys_mmap(NULL, bytes, prot, MAP_SHARED, runtime->fd, 0);

	if (sys_is_error(base))
		return (int)(intptr_t)base;
	runtime->bytes = bytes;
	runtime_place(runtime, base, visited_count);
	return 0;
}

/* A segment in a directory where anybody may make files is believed only if it is ours. */
static bool runtime_trusted(int fd, const struct image *image, uint64_t *bytes)
{
	struct statx stx;

	if (sys_fstatx(fd, &stx) || !S_ISREG(stx.stx_mode))
		return false;
	if (stx.stx_uid != image->owner && stx.stx_uid != sys_geteuid() && stx.stx_uid != 0)
		return false;
	if ((stx.stx_mode & 0022) & ~image->mode)
		return false;
	*bytes = stx.stx_size;
	return true;
}

static bool header_fits(const struct runtime *runtime, const struct image *image,
			const uint8_t boot_id[16])
{
	const struct runtime_header *h = runtime->header;

	return load_acquire(&h->ready) == 1 && !memcmp(h->magic, RUNTIME_MAGIC, 8) &&
	       h->version == RUNTIME_VERSION && h->layout == layout_fingerprint() &&
	       h->bytes == runtime->bytes && h->visited_count == runtime->visited_count &&
	       !memcmp(h->image_uuid, image->sb.uuid, 16) && !memcmp(h->boot_id, boot_id, 16) &&
	       !memcmp(h->id, image->state->runtime_id, 16);
}

/* Open what is there, if it is the segment that the image's users have. */
static int runtime_open(struct runtime *runtime, const struct image *image,
			const uint8_t boot_id[16])
{
	uint32_t visited_count = visited_wanted(image);
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
	    bytes != runtime_place(runtime, NULL, visited_count))
		goto out;
	err = runtime_map(runtime, bytes, visited_count);
	if (!err && !header_fits(runtime, image, boot_id))
		err = -ESTALE;
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

static int header_init(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	struct runtime_header *h = runtime->header;
	int err = robust_lock_init(&h->region_lock);

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
	if (sys_getrandom(h->id, 16) != 16 || sys_getrandom(&h->salt, 8) != 8)
		return -EIO;
	memcpy(image->state->runtime_id, h->id, 16);
	store_release(&h->ready, 1);
	return 0;
}

/* With LOCK_USERS held exclusively: nobody is attached, so what lies there is nobody's. */
static int runtime_create(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	uint32_t visited_count = visited_wanted(image);
	uint64_t bytes = runtime_place(runtime, NULL, visited_count);
	int err = image_epoch_begin(image, boot_id);

	if (err)
		return err;
	err = sys_unlinkat(AT_FDCWD, runtime->path, 0);
	if (err && err != -ENOENT)
		return err;
	runtime->read_only = false;
	runtime->fd = image_fd_hide(sys_openat(
		AT_FDCWD, runtime->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (runtime->fd < 0)
		return runtime->fd;
	if (image->mode & 0022)
		sys_fchmod(runtime->fd, image->mode);
	/* all of it now: a full tmpfs must be an error here, not a SIGBUS later */
	err = sys_fallocate(runtime->fd, 0, 0, bytes);
	if (!err)
		err = runtime_map(runtime, bytes, visited_count);
	if (!err)
		err = header_init(runtime, image, boot_id);
	if (err) {
		sys_unlinkat(AT_FDCWD, runtime->path, 0);
		runtime_detach(runtime);
	}
	return err;
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
	err = runtime_open(runtime, image, boot_id);
	if (!err || image->read_only)
		return err;
	if (err != -ENOENT && err != -ESTALE)
		return err;
	if (runtime_lock_byte(image->fd, LOCK_USERS, F_WRLCK)) {
		runtime_lock_byte(image->fd, LOCK_USERS, F_UNLCK);
		return -EAGAIN;
	}
	/* the last one before us may have made it meanwhile */
	err = runtime_open(runtime, image, boot_id);
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
		err = runtime_path(runtime, image, dir);
	if (err)
		return err;
	for (;;) {
		err = attach_round(runtime, image, boot_id);
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
	return err;
}

void runtime_detach(struct runtime *runtime)
{
	if (runtime->header)
		sys_munmap(runtime->header, runtime->bytes);
	if (runtime->fd >= 0)
		sys_close(runtime->fd);
	runtime->header = NULL;
	runtime->fd = -1;
}

int runtime_reopen(struct runtime *runtime)
{
	struct statx old;
	struct statx now;
	char self[40];
	int fd;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", runtime->fd);
	fd = sys_openat(AT_FDCWD, self, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		fd = sys_openat(AT_FDCWD, runtime->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	if (sys_fstatx(runtime->fd, &old) || sys_fstatx(fd, &now) || old.stx_ino != now.stx_ino ||
	    old.stx_dev_minor != now.stx_dev_minor || old.stx_dev_major != now.stx_dev_major) {
		sys_close(fd);
		return -ESTALE;
	}
	sys_close(runtime->fd);
	runtime->fd = image_fd_hide(fd);
	return runtime->fd < 0 ? runtime->fd : 0;
}

/*
 * Until when nobody in this process waits for a lock any more: an owner that was not done in
 * 100 ms is stopped, and a program must not pay that time for each of its reads.
 */
static uint64_t lock_impatient_until;

static int lock_wait(pthread_mutex_t *lock)
{
	uint64_t now = clock_mono_ns();
	uint64_t end = now + LOCK_PATIENCE_MS * UINT64_C(1000000);
	struct timespec until = { (time_t)(end / 1000000000u), (long)(end % 1000000000u) };
	int err;

	if (now < load_relaxed(&lock_impatient_until))
		return ETIMEDOUT;
	err = pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until);
	if (err == ETIMEDOUT)
		store_relaxed(&lock_impatient_until,
			      clock_mono_ns() + LOCK_IMPATIENCE_MS * UINT64_C(1000000));
	return err;
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
