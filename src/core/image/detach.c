/* SPDX-License-Identifier: MIT */
#include "core/image/detach.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>

#include "base/fdpath.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/image/format.h"

#define PROBE_BYTES 65536u /* a multiple of the blocks of all devices: 64 KiB at most */

int detach_range(int fd, uint32_t probes, uint64_t offset, uint64_t n)
{
	if (probes & FORMAT_PROBE_ZERO_RANGE)
		return sys_fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, n);
	if (probes & FORMAT_PROBE_PUNCH_HOLE) {
		int err = sys_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, n);

		/* allocate the space again at once: a store must never meet a full disk */
		return err ? err : sys_fallocate(fd, 0, offset, n);
	}
	return 0;
}

enum rawcache_detach detach_method(uint32_t probes)
{
	if (probes & FORMAT_PROBE_ZERO_RANGE)
		return RAWCACHE_DETACH_ZERO_RANGE;
	if (probes & FORMAT_PROBE_PUNCH_HOLE)
		return RAWCACHE_DETACH_PUNCH_HOLE;
	return RAWCACHE_DETACH_NONE;
}

static int write_pattern(int fd, uint64_t offset, char *buf, int value)
{
	memset(buf, value, PROBE_BYTES);
	return sys_pwrite(fd, buf, PROBE_BYTES, offset) == PROBE_BYTES ? 0 : -EIO;
}

/*
 * Provoke the race: splice pages into a pipe, which holds references as a socket's queue does; detach;
 * overwrite; and check what comes out of the pipe.
 */
static bool detach_works(int fd, uint32_t method, uint64_t offset, char *buf)
{
	loff_t in = (loff_t)offset;
	bool works = false;
	int pipe_fd[2];
	ssize_t n;

	if (SYS_CALL(__NR_pipe2, pipe_fd, O_CLOEXEC | O_NONBLOCK, 0, 0, 0, 0))
		return false;
	if (write_pattern(fd, offset, buf, 0xa5))
		goto out;
	n = SYS_CALL(__NR_splice, fd, &in, pipe_fd[1], NULL, FORMAT_PAGE, 0);
	if (n != FORMAT_PAGE || detach_range(fd, method, offset, PROBE_BYTES))
		goto out;
	if (write_pattern(fd, offset, buf, 0x5a))
		goto out;
	n = sys_read(pipe_fd[0], buf, FORMAT_PAGE);
	works = n == FORMAT_PAGE && buf[0] == (char)0xa5 && buf[FORMAT_PAGE - 1] == (char)0xa5;
out:
	sys_close(pipe_fd[0]);
	sys_close(pipe_fd[1]);
	return works;
}

static bool direct_works(int fd, uint64_t offset, char *buf)
{
	char self[FDPATH_BYTES];
	ssize_t n;
	int direct;

	fdpath(self, fd);
	direct = sys_openat(AT_FDCWD, self, O_RDWR | O_DIRECT | O_CLOEXEC, 0);
	if (direct < 0)
		return false;
	n = sys_pwrite(direct, buf, PROBE_BYTES, offset);
	sys_close(direct);
	return n == PROBE_BYTES;
}

uint32_t detach_probe(int fd, uint64_t offset, uint64_t n)
{
	/* page-aligned, as O_DIRECT requires */
	char *buf = n >= PROBE_BYTES ? memory_map(PROBE_BYTES) : NULL;
	uint32_t probes = 0;

	if (!buf)
		return 0;
	if (detach_works(fd, FORMAT_PROBE_ZERO_RANGE, offset, buf))
		probes |= FORMAT_PROBE_ZERO_RANGE;
	else if (detach_works(fd, FORMAT_PROBE_PUNCH_HOLE, offset, buf))
		probes |= FORMAT_PROBE_PUNCH_HOLE;
	memset(buf, 0, PROBE_BYTES);
	if (direct_works(fd, offset, buf))
		probes |= FORMAT_PROBE_DIRECT;
	write_pattern(fd, offset, buf, 0);
	memory_unmap(buf, PROBE_BYTES);
	return probes;
}
