/* SPDX-License-Identifier: MIT */
/*
 * Files of frozen trees that are opened for reading. The descriptor is that of a sealed memory file with
 * the bytes of the record, after their checksum was verified; its number is the lowest free one, as the
 * kernel gives it.
 */
#include "shim/libc/symbols.h"

#include "shim/files/tree.h"
#include "shim/files/tree_look.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/fdpath.h"
#include "base/guard.h"
#include "base/stats.h"

#include "shim/files/fd.h"
#include "shim/files/names_look.h"

/* 0100000: the O_LARGEFILE of the kernel, where that of libc is 0. */
#define FLAGS_KNOWN (O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_LARGEFILE | O_NOFOLLOW | 0100000)
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL \
	8u /* since Linux 6.3 (mfd_noexec.rst of the kernel); older ones refuse it */
#endif

static int memory_file(void)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = (int)SYS_CALL(SYS_memfd_create, "rawcache", flags | MFD_NOEXEC_SEAL, 0, 0, 0, 0);

	return fd != -EINVAL ? fd : (int)SYS_CALL(SYS_memfd_create, "rawcache", flags, 0, 0, 0, 0);
}

/* The checksum is computed over the very bytes that are written. */
static bool bytes_write(const struct tree_look *look, int fd)
{
	const struct frozen *frozen = &look->tree->frozen;
	const struct frozen_node *node = &look->walk.node;
	char *buf = look->other->path;
	XXH3_state_t state;

	if (!range_inside(node->at, node->size, frozen->bytes) ||
	    !sys_file_size_allowed(node->size))
		return false;
	XXH3_INITSTATE(&state);
	XXH3_64bits_reset(&state);
	for (uint64_t at = 0; at < node->size;) {
		size_t n = min_u64(sizeof(look->other->path), node->size - at);

		if (guard_copy(buf, frozen->map + node->at + at, n) ||
		    sys_write(fd, buf, n) != (ssize_t)n)
			return false;
		XXH3_64bits_update(&state, buf, n);
		at += n;
	}
	return XXH3_64bits_digest(&state) == node->hash;
}

/* Open it for reading only, at its beginning, under the same number. */
static bool memory_file_open(int fd, int flags)
{
	char self[FDPATH_BYTES];
	int reader;

	if (sys_fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return false;
	fdpath(self, fd);
	reader = sys_openat(AT_FDCWD, self, O_RDONLY | O_CLOEXEC | O_NOCTTY | (flags & O_NONBLOCK),
			    0);
	if (reader < 0)
		return false;
	fd = (int)SYS_CALL(SYS_dup3, reader, fd, flags & O_CLOEXEC, 0, 0, 0);
	sys_close(reader);
	return fd >= 0;
}

/* Enter it into the descriptor table. */
static bool track(int fd, const struct tree_look *look)
{
	struct handle *handle = handle_make(HANDLE_READS, POSITION_KERNEL | POSITION_SHARED);
	struct statx stx;

	if (!handle)
		return false;
	if (sys_fstatx(fd, &stx) || fdtab_reserve(fd)) {
		handle_release(handle);
		return false;
	}
	handle_freeze(handle, (uint8_t)(look->tree - trees), look->walk.number, &stx);
	handle = fdtab_swap(fd, handle);
	if (fdtab_is_handle(handle))
		handle_release(handle);
	return true;
}

static bool node_open(const struct tree_look *look, int flags, int *ret)
{
	int fd = memory_file();

	if (fd < 0)
		return false;
	if (!bytes_write(look, fd) || !memory_file_open(fd, flags) || !track(fd, look)) {
		sys_close(fd);
		return false;
	}
	stats_add(opens_frozen, 1);
	*ret = fd;
	return true;
}

static bool open_answer(int dir, const char *path, int flags, int *ret)
{
	struct tree_look look;
	enum frozen_found found = tree_look(&look, dir, path, flags & O_NOFOLLOW);
	const struct frozen_node *node = &look.walk.node;
	bool done = false;

	*ret = -1;
	if (found == FROZEN_ABSENT && names_descriptor_free()) {
		stats_add(frozen_names, 1);
		errno = ENOENT;
		done = true;
	}
	if (found == FROZEN_IS && S_ISREG(node->mode) && !(flags & ~FLAGS_KNOWN)) {
		done = node->flags & FROZEN_BYTES && node_open(&look, flags, ret);
		stats_add(opens_late, !done);
	}
	tree_look_end(&look);
	return done;
}

bool tree_open_slow(int dir, const char *path, int flags, int *ret)
{
	int saved = errno;
	bool done;

	/* the kernel is asked for files that are made or changed, and for paths that name no file */
	if ((flags & O_ACCMODE) != O_RDONLY ||
	    flags & (O_CREAT | O_TRUNC | O_PATH | O_DIRECT | O_APPEND |
		     (O_TMPFILE & ~O_DIRECTORY)) ||
	    !load_relaxed(&attach_active) || thread_is_foreign())
		return false;
	pthread_testcancel();
	if (!tree_enter(path))
		return false;
	done = open_answer(dir, path, flags, ret);
	thread_leave();
	if (!done || *ret >= 0)
		errno = saved;
	return done;
}
