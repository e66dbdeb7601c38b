/* SPDX-License-Identifier: MIT */
/*
 * Buffers that the kernel refuses before it reads anything: counts and pointers that reach beyond a
 * program's memory, vectors whose lengths wrap.
 *
 *	LD_PRELOAD=... shim_refused FILE
 *
 * FILE is longer than 64 KiB. Speaks TAP; without the shim the results are the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 4096

static const char *path;
static char buf[1 << 20];
static int tests, failures;

static void result(int good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failures += !good;
}

static int refused(ssize_t n, int error)
{
	return n == -1 && errno == error;
}

static int untouched(void)
{
	for (size_t i = 0; i < sizeof(buf); i++)
		if (buf[i])
			return 0;
	return 1;
}

static int fread_refused(size_t n)
{
	FILE *f = fopen(path, "r");
	int good = f && !fread(buf, 1, n, f) && ferror(f);

	fclose(f);
	return good;
}

static void counts(int fd)
{
	static const size_t all[] = { SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2, (size_t)1 << 47,
				      (size_t)1 << 46 };
	int good[3] = { 1, 1, 1 };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		volatile size_t n = all[i];

		good[0] &= refused(read(fd, buf, n), EFAULT);
		good[1] &= refused(pread(fd, buf, n, BLOCK), EFAULT);
		good[2] &= fread_refused(n);
	}
	result(good[0], "read() of more than there is room for");
	result(good[1], "pread()");
	result(good[2], "fread()");
	result(untouched(), "the buffer is as it was");
}

static void vectors(int fd)
{
	struct iovec wraps[] = { { buf, SIZE_MAX }, { buf + BLOCK, 17 } };
	struct iovec nowhere[] = { { buf, 16 }, { (void *)-1, 10 } };
	struct iovec *volatile list = (struct iovec *)-1;

	result(refused(readv(fd, wraps, 2), EINVAL), "readv() of a sum that wraps");
	result(refused(preadv(fd, nowhere, 2, 0), EFAULT), "a buffer beyond a program's memory");
	result(refused(readv(fd, list, 1), EFAULT), "a list there");
	result(untouched(), "nothing was read before");
}

/* The faults that they raise tell no address. */
static void pointers(int fd)
{
	static const uintptr_t all[] = { UINTPTR_MAX, UINTPTR_MAX - 99, UINTPTR_MAX - 4095,
					 UINTPTR_MAX / 2 + 1, UINTPTR_MAX >> 8 };
	int good[4] = { 1, 1, 1, 1 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		void *volatile p = (void *)all[i];

		good[0] &= refused(pread(fd, p, 1, 0), EFAULT);
		good[1] &= refused(pread(fd, p, BLOCK, 0), EFAULT);
		good[2] &= refused(sendmsg(ends[0], p, 0), EFAULT);
		good[3] &= refused(sendfile(ends[0], fd, p, BLOCK), EFAULT);
	}
	result(good[0], "a byte beyond a program's memory");
	result(good[1], "a block");
	result(good[2], "a message");
	result(good[3], "an offset");
}

/* libc reads nothing where the product wraps to that. */
static void items(void)
{
	volatile size_t n = (size_t)1 << 32;
	FILE *f = fopen(path, "r");

	result(f && fread(buf, 1, 16, f) == 16 && !fread(buf, n, n, f) &&
		       !fread_unlocked(buf, n, n, f),
	       "fread() of 2^32 items of 2^32 bytes");
}

int main(int argc, char **argv)
{
	int fd;

	path = argc > 1 ? argv[1] : "";
	fd = open(path, O_RDONLY);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < 4; i++) /* from now on a read is a copy */
		if (pread(fd, buf, BLOCK, 0) != BLOCK || read(fd, buf, BLOCK) != BLOCK)
			return 2;
	memset(buf, 0, sizeof(buf));
	counts(fd);
	vectors(fd);
	pointers(fd);
	items();
	printf("1..%d\n", tests);
	return failures != 0;
}
