/* SPDX-License-Identifier: MIT */
/* One read is of one version, though part of it is cached and the rest comes from the changed file. */
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim_looks.h"

int mixed(void)
{
	struct iovec iov[3] = { { buf, BLOCK },
				{ buf + BLOCK, SIZE / 2 },
				{ buf + BLOCK + SIZE / 2, BLOCK } };
	size_t n = SIZE / 2 + 2 * BLOCK;
	int fd = file_warm();
	int other = file_warm();

	change('B');
	if (preadv(fd, iov, 3, 0) != (ssize_t)n || !(all(n, 'A') || all(n, 'B')))
		return fail("bytes of two versions");
	if (buf[0] == 'B' && !has(other, 'B'))
		return fail("old bytes after new ones");
	return 0;
}

int mixed_plain(void)
{
	int fd = file_warm();

	change('B');
	if (pread(fd, buf, SIZE, 0) != SIZE || !(all(SIZE, 'A') || all(SIZE, 'B')))
		return fail("bytes of two versions");
	return 0;
}

int mixed_parts(void)
{
	int fd = file_open(0);

	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (int k = 0; k < 2; k++)
		for (off_t at = 64 << 10; at < (1 << 20); at += 256 << 10)
			if (pread(fd, buf, BLOCK, at) != BLOCK)
				return fail("parts");
	change('B');
	if (pread(fd, buf, 1 << 20, 0) != 1 << 20 || !(all(1 << 20, 'A') || all(1 << 20, 'B')))
		return fail("bytes of two versions");
	return 0;
}

int mixed_cut(void)
{
	int fd = file_warm();
	ssize_t n;

	change_range('B', 0, SIZE / 2);
	change_size(SIZE / 2);
	n = pread(fd, buf, SIZE, 0);
	if (n != SIZE / 2 || !all(SIZE / 2, 'B'))
		return fail("a read that the file's end cuts short");
	return 0;
}

int later(void)
{
	int fd = file_warm();
	int other = file_warm();

	usleep(200000); /* until it is stored */
	if (!has(fd, 'A') || !has(other, 'A'))
		return fail("the first version");
	change('B');
	usleep(1300000);
	if (!has(fd, 'B') || pread(fd, buf, SIZE, 0) != SIZE || !all(SIZE, 'B') || !has(other, 'B'))
		return fail("old bytes");
	return 0;
}
