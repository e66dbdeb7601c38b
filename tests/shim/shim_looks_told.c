/* SPDX-License-Identifier: MIT */
/* What the program is told: run with RAWCACHE_REVALIDATE=open, where nobody looks otherwise. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_looks.h"

static int told_by(int way, int fd)
{
	struct statx stx;
	struct stat st;

	switch (way) {
	case 0:
		return fstat(fd, &st);
	case 1:
		return stat(path, &st);
	case 2:
		return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx);
	case 3:
		return fstatat(fd, "", &st, AT_EMPTY_PATH);
	case 4:
		return fstatat(AT_FDCWD, path, &st, 0);
	case 5:
		return (int)syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0);
	case 6:
		return close(file_open(0));
	case 7:
		return close(file_open(O_APPEND)) || lstat(path, &st);
	default:
		return posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
}

int told(void)
{
	int fd = file_warm();
	int other = file_warm();

	for (int way = 0; way <= 8; way++) {
		char letter = (char)('B' + way);

		if (!has(fd, (char)(letter - 1)) || !has(other, (char)(letter - 1)))
			return fail("the last version");
		change(letter);
		if (told_by(way, fd) || !has(other, letter) || !has(fd, letter))
			return fail("attributes were seen, and old bytes come");
		tick();
		tick();
	}
	return 0;
}

int told_end(void)
{
	int fd = file_warm();
	int other = file_warm();

	change_range('B', 0, SIZE);
	change_range('B', SIZE, 100);
	if (lseek(fd, 0, SEEK_END) != SIZE + 100 || !has(other, 'B'))
		return fail("the end is known, and old bytes come");
	tick();
	tick();
	if (!has(fd, 'B') || !has(other, 'B'))
		return fail("the second version");
	change_range('C', 0, SIZE);
	change_range('C', SIZE, 200);
	if (pread(fd, buf, BLOCK, SIZE + 100) != 100 || !all(100, 'C') || !has(other, 'C'))
		return fail("a read at the end that was");
	tick();
	tick();
	if (!has(fd, 'C') || !has(other, 'C'))
		return fail("the third version");
	change_size(0);
	if (pread(fd, buf, BLOCK, SIZE + 200) || pread(other, buf, BLOCK, 0))
		return fail("bytes of a file that was emptied");
	return 0;
}

int told_writer(void)
{
	int writer = open(path, O_RDWR | O_APPEND);
	int fd = file_warm();

	change('B');
	tick();
	if (!has(writer, 'B') || !has(fd, 'B'))
		return fail("old bytes after new ones");
	return 0;
}
