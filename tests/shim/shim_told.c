/* SPDX-License-Identifier: MIT */
/*
 * What a program reads past the cache tells of a change: no read that follows has older bytes.
 *
 *	LD_PRELOAD=... RAWCACHE_REVALIDATE=open shim_told WAY FILE BACKING
 *
 * FILE lies below a configured directory and has settled. It is changed by system calls of our own on
 * BACKING, which is the same file. Each round reads once before the change, so that a look was made in the
 * same tick of the clock, perhaps. Exit status 0: as it must be; 77: this way cannot be gone here.
 */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "outside.h" /* first */

#include "base/compiler.h"
#include "base/sys.h"
#include "faults/raw_ring.h"

#define BLOCK 4096u
#define ROUNDS 8
#define BUFFERS 100 /* more than are copied out of the program's hands */

static const char *path, *backing;
static char buf[BLOCK] __attribute__((aligned(BLOCK)));

static int fail(const char *what)
{
	fprintf(stderr, "%s (errno %d)\n", what, errno);
	return 1;
}

static void change(char letter)
{
	static char bytes[BLOCK];
	int fd = sys_openat(AT_FDCWD, backing, O_WRONLY, 0);

	memset(bytes, letter, BLOCK);
	if (fd < 0 || sys_pwrite(fd, bytes, BLOCK, 0) != BLOCK)
		exit(fail("change"));
	sys_close(fd);
}

static int file_open(int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		exit(errno == EINVAL ? 77 : fail(path));
	return fd;
}

/* --- ways past the cache: the bytes lie in buf afterwards */

static int opened = -1; /* what the way needs */

static ssize_t by_flag(int fd)
{
	struct iovec iov = { buf, BLOCK };

	return preadv2(fd, &iov, 1, 0, RWF_HIPRI);
}

static ssize_t by_buffers(int fd)
{
	struct iovec iov[BUFFERS];

	for (size_t i = 0; i < BUFFERS; i++)
		iov[i] = (struct iovec){ buf + i * 40, i + 1 < BUFFERS ? 40 : BLOCK - i * 40 };
	return preadv(fd, iov, BUFFERS, 0);
}

static ssize_t by_mode(int flags)
{
	if (opened < 0)
		opened = file_open(flags);
	return pread(opened, buf, BLOCK, 0);
}

static ssize_t by_direct(int fd)
{
	(void)fd;
	return by_mode(O_RDONLY | O_DIRECT);
}

static ssize_t by_append(int fd)
{
	(void)fd;
	return by_mode(O_RDONLY | O_APPEND);
}

static ssize_t by_writer(int fd)
{
	(void)fd;
	return by_mode(O_RDWR | O_APPEND);
}

/* It becomes what is not served while it is open. */
static ssize_t by_setfl(int fd)
{
	(void)fd;
	if (opened < 0) {
		opened = file_open(O_RDONLY);
		if (fcntl(opened, F_SETFL, O_APPEND))
			exit(fail("F_SETFL"));
	}
	return pread(opened, buf, BLOCK, 0);
}

static ssize_t by_sendfile(int fd)
{
	static int ends[2] = { -1, -1 };
	off_t offset = 0;

	(void)fd;
	if (opened < 0)
		opened = file_open(O_RDWR | O_APPEND);
	if (ends[0] < 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return -1;
	if (sendfile(ends[0], opened, &offset, BLOCK) != BLOCK)
		return -1;
	return recv(ends[1], buf, BLOCK, MSG_WAITALL);
}

static FILE *stream_again(void)
{
	static FILE *stream;

	if (!stream)
		stream = fopen(path, "r+");
	if (!stream || fseek(stream, 100000, SEEK_SET) || fseek(stream, 0, SEEK_SET))
		exit(fail("stream"));
	return stream;
}

static ssize_t by_stream(int fd)
{
	(void)fd;
	return (ssize_t)fread(buf, 1, BLOCK, stream_again());
}

static ssize_t by_getc(int fd)
{
	(void)fd;
	memset(buf, getc(stream_again()), BLOCK);
	return BLOCK;
}

static ssize_t by_aio(int fd)
{
	struct aiocb cb = { .aio_fildes = fd, .aio_buf = buf, .aio_nbytes = BLOCK };

	if (aio_read(&cb))
		return -1;
	while (aio_error(&cb) == EINPROGRESS)
		;
	return aio_return(&cb);
}

static ssize_t by_submit(int fd)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PREAD,
			   .aio_fildes = (uint32_t)fd,
			   .aio_buf = (uintptr_t)buf,
			   .aio_nbytes = BLOCK };
	struct iocb *list = &cb;
	static aio_context_t context;
	struct io_event event;

	if (!context && syscall(SYS_io_setup, 4, &context))
		exit(77);
	if (syscall(SYS_io_submit, context, 1, &list) != 1 ||
	    syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		return -1;
	return (ssize_t)event.res;
}

static ssize_t by_ring(int fd)
{
	ssize_t n = raw_pread(fd, buf, BLOCK, 0);

	if (n < 0 && (errno == ENOSYS || errno == EPERM))
		exit(77);
	return n;
}

static const struct {
	const char *name;
	ssize_t (*read)(int fd);
} ways[] = {
	{ "flag", by_flag },	     { "buffers", by_buffers }, { "direct", by_direct },
	{ "append", by_append },     { "writer", by_writer },	{ "setfl", by_setfl },
	{ "sendfile", by_sendfile }, { "stream", by_stream },	{ "getc", by_getc },
	{ "aio", by_aio },	     { "submit", by_submit },	{ "ring", by_ring },
};

/* --- */

static bool all(char letter)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (buf[i] != letter)
			return false;
	return true;
}

static bool has(int fd, char letter)
{
	return pread(fd, buf, BLOCK, 0) == BLOCK && all(letter);
}

static int rounds(ssize_t (*way)(int fd))
{
	int fd = file_open(O_RDONLY);
	int other = file_open(O_RDONLY);

	for (int i = 0; i < ROUNDS; i++) {
		char letter = (char)('A' + i);

		usleep(60000); /* let it settle, and be cached */
		for (int k = 0; k < 3; k++)
			if (!has(fd, letter) || !has(other, letter))
				return fail("the last version");
		if (way(other) != BLOCK || !all(letter))
			return fail("the last version past the cache");
		change((char)(letter + 1));
		if (way(other) != BLOCK || !all((char)(letter + 1)))
			return fail("the new version past the cache");
		if (!has(fd, (char)(letter + 1)))
			return fail("old bytes after new ones");
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	path = argv[2];
	backing = argv[3];
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].name, argv[1]))
			return rounds(ways[i].read);
	return 2;
}
