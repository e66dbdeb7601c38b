/* SPDX-License-Identifier: MIT */
#include "core/shared/runtime.h"

#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/crash.h"
#include "base/patience.h"
#include "base/sys.h"
#include "base/uuid.h"
#include "core/image/image.h"
#include "core/shared/segment.h"
#include "core/shared/sweep.h"

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

int runtime_distrust(struct runtime *runtime, struct image *image)
{
	/* the process one of whose threads is in this function; a fork child has its parent's value */
	static uint32_t busy;
	struct runtime_header *h = runtime->header;
	uint32_t own = (uint32_t)sys_getpid();
	uint32_t seen = load_relaxed(&busy);
	uint64_t none = 0;
	int err;

	if (!h || runtime->read_only || image->read_only)
		return -EROFS;
	store_release(&h->epoch, 0);
	CRASH_POINT(distrusted);
	/* one thread at a time: it reads, changes and writes the superblock in memory */
	if (seen == own || !cas(&busy, &seen, own))
		return -EBUSY;
	err = image_epoch_next(image);
	/* any of several processes may do it: what they write is no lower than what is read */
	if (!err)
		cas(&h->epoch, &none, image->sb.epoch);
	store_release(&busy, 0);
	return err;
}

/*
 * Called with LOCK_USERS. If the image was unmounted since it was used and its disk lost writes before, it
 * has other bytes than the last user saw, and the kernel has forgotten the error. A file system that is
 * mounted again with another device number shows it.
 */
static void device_check(struct runtime *runtime, struct image *image)
{
	struct runtime_header *h = runtime->header;

	if (runtime->read_only || load_relaxed(&h->device) == image->device ||
	    runtime_lock_byte(image->fd, LOCK_USERS, F_WRLCK))
		return;
	store_release(&h->epoch, 0); /* the next process that stores begins another epoch */
	store_release(&h->device, image->device);
	runtime_lock_byte(image->fd, LOCK_USERS, F_RDLCK);
}

static void nap_ms(unsigned int ms)
{
	struct timespec t = { 0, (long)ms * 1000000 };

	sys_nanosleep(&t);
}

/* Whether the image's file is still the one that was opened: 0, or -EREMCHG. */
static int image_still(struct image *image)
{
	int err = image_refresh(image);

	return err == -ESTALE ? -EREMCHG : err;
}

/*
 * Called with LOCK_USERS held shared: make the segment if no other process holds it. -EAGAIN: another does.
 */
static int segment_make(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	int err;

	if (runtime_lock_byte(image->fd, LOCK_USERS, F_WRLCK)) {
		runtime_lock_byte(image->fd, LOCK_USERS, F_UNLCK);
		return -EAGAIN;
	}
	/* the last user before us may have made the segment or begun the epoch meanwhile */
	err = image_still(image);
	if (!err)
		err = runtime_open(runtime, image, boot_id);
	if (err && err != -EREMCHG)
		err = runtime_create(runtime, image, boot_id);
	runtime_lock_byte(image->fd, LOCK_USERS, err ? F_UNLCK : F_RDLCK);
	return err;
}

/* One round. -EAGAIN: another process is between two states. On success LOCK_USERS is held shared. */
static int attach_round(struct runtime *runtime, struct image *image, const uint8_t boot_id[16])
{
	int err = runtime_lock_byte(image->fd, LOCK_USERS, F_RDLCK);

	if (err)
		return err == -EACCES ? -EAGAIN : err;
	err = image_still(image);
	if (err)
		return err;
	err = runtime_open(runtime, image, boot_id);
	if (!err) {
		device_check(runtime, image);
		return 0;
	}
	if (image->read_only) {
		/* without a segment this process is no user, and must not keep others from making one */
		runtime_lock_byte(image->fd, LOCK_READERS, F_RDLCK);
		runtime_lock_byte(image->fd, LOCK_USERS, F_UNLCK);
		return err;
	}
	return err == -ENOENT || err == -ESTALE ? segment_make(runtime, image, boot_id) : err;
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
		/* two processes that both want the lock exclusively must not stay in step */
		nap_ms(wait_ms + (unsigned int)(clock_mono_ns() >> 10) % 3);
		wait_ms = wait_ms < 16 ? wait_ms * 2 : 16;
	}
	sweep_now_and_then(runtime, dir);
	return err;
}
