/* SPDX-License-Identifier: MIT */
#include "core/origin/writing.h"

#include <errno.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include "base/clock.h"
#include "base/fdpath.h"
#include "base/record_locks.h"
#include "base/sys.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342 /* as in the kernel's <linux/magic.h> */
#endif

/*
 * No call writes longer: it has at most 2 GiB, which at 3.6 MB/s take so long. Programs that read older files pay
 * nothing for the question.
 */
#define LONGEST_NS (UINT64_C(600) * 1000000000u)
/* Behind the end of the file, where a direct read takes the file's lock and has nothing to do. */
#define BEHIND (UINT64_C(1) << 42)
#define ALIGNMENT 4096u

static bool changed_lately(const struct statx *stx)
{
	return sys_timestamp_ns(&stx->stx_ctime) + LONGEST_NS > clock_file_ns();
}

/* Those that lock a file for a write, and answer RWF_NOWAIT with EAGAIN then. */
static bool fs_tells(int fd)
{
	struct statfs fs;

	if (sys_fstatfs(fd, &fs))
		return false;
	return (uint32_t)fs.f_type == EXT4_SUPER_MAGIC || (uint32_t)fs.f_type == XFS_SUPER_MAGIC;
}

/* Whether a direct read of the file would have to wait for its lock. */
static bool file_locked(int fd)
{
	static char page[ALIGNMENT]
		__attribute__((aligned(ALIGNMENT))); /* nothing is read into it */
	struct iovec iov = { page, sizeof(page) };
	char path[FDPATH_BYTES];
	long got;
	int direct;

	fdpath_thread(path, fd);
	direct = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			    0);
	if (direct < 0)
		return false;
	got = SYS_CALL(__NR_preadv2, direct, &iov, 1, BEHIND, 0, RWF_NOWAIT);
	sys_close(direct);
	return got == -EAGAIN;
}

bool writing_now(int fd, const struct statx *stx)
{
	struct critical critical;
	bool locked;

	if (!changed_lately(stx) || stx->stx_size >= BEHIND || !fs_tells(fd) ||
	    !record_locks_pause(&critical, fd))
		return false;
	locked = file_locked(fd);
	record_locks_resume(&critical);
	return locked;
}
