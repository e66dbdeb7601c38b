/* SPDX-License-Identifier: MIT */
/*
 * Corners: one way to notice the shim each, in a process of its own, because it may hang or die.
 *
 *	LD_PRELOAD=... shim_corners CORNER FILE-A FILE-B
 *
 * The files lie below a configured directory, have settled, are longer than three chunks and
 * differ in every 4 KiB block. Exit status 0: nothing was noticed. 77: cannot be tried here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 4096
#define CHUNK (256 << 10)

static const char *a, *b;
static char buf[CHUNK];

static int fail(const char *what)
{
	fprintf(stderr, "%s (errno %d)\n", what, errno);
	return 1;
}

static int open_a(int flags)
{
	int fd = open(a, O_RDONLY | flags);

	if (fd < 0)
		exit(fail(a));
	return fd;
}

/* The file's bytes as the kernel has them: a descriptor for reading and writing is not served. */
static void expect(const char *path, char *bytes, size_t n, off_t offset)
{
	int fd = open(path, O_RDWR);

	if (fd < 0 || pread(fd, bytes, n, offset) != (ssize_t)n)
		exit(fail(path));
	close(fd);
}

/* The buffer has block `n` of the file. */
static int is_block(const char *path, int n)
{
	char want[BLOCK];

	expect(path, want, BLOCK, (off_t)n * BLOCK);
	return !memcmp(buf, want, BLOCK);
}

/* --- RAWCACHE_REVALIDATE=100: the first read after the time is of the file as it is now */

static int revalidate(void)
{
	int fd = open_a(0);
	pid_t pid;
	int status;

	if (pread(fd, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
		return fail("the first read");
	pid = fork();
	if (!pid) {
		snprintf(buf, sizeof(buf), "of=%s", a);
		setenv("RAWCACHE_DISABLE", "1", 1);
		execlp("dd", "dd", "if=/dev/urandom", "bs=4096", "count=1", "conv=notrunc",
		       "status=none", buf, (char *)NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return fail("dd");
	sleep(3);
	if (pread(fd, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
		return fail("bytes from before the change");
	return 0;
}

/* --- a pipe that is full makes nobody wait */

/* Chunks that do not lie side by side in the image, the first ending where the pipe is full. */
static int pipe_takes(ssize_t (*transfer)(int out, int in, off_t *offset, size_t n))
{
	off_t offset = CHUNK - 65536;
	int fd = open_a(0);
	int ends[2];
	ssize_t n;

	if (pread(fd, buf, CHUNK, CHUNK) != CHUNK || pread(fd, buf, CHUNK, 0) != CHUNK || pipe(ends))
		return fail("reading");
	n = transfer(ends[1], fd, &offset, 2 * 65536);
	if (n <= 0 || n > 65536 || offset != CHUNK - 65536 + n)
		return fail("transfer");
	return 0;
}

static ssize_t by_splice(int out, int in, off_t *offset, size_t n)
{
	return splice(in, offset, out, NULL, n, 0);
}

static int pipe_splice(void)
{
	return pipe_takes(by_splice);
}

static int pipe_sendfile(void)
{
	return pipe_takes(sendfile);
}

/* --- the image is cut short ($IMAGE): transfers are the origin's */

static int cut_short(void)
{
	off_t offset = 0;
	int fd = open_a(0);
	int ends[2];

	if (read(fd, buf, CHUNK) != CHUNK || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    sendfile(ends[1], fd, &offset, BLOCK) != BLOCK)
		return fail("sendfile before");
	if (truncate(getenv("IMAGE"), 1 << 20))
		return fail("truncate");
	if (sendfile(ends[1], fd, &offset, BLOCK) != BLOCK || read(ends[0], buf, BLOCK) != BLOCK ||
	    read(ends[0], buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("sendfile after");
	if (pipe(ends) || splice(fd, &offset, ends[1], NULL, BLOCK, 0) != BLOCK ||
	    read(ends[0], buf, BLOCK) != BLOCK || !is_block(a, 2))
		return fail("splice after");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} corners[] = {
	{ "revalidate", revalidate },
	{ "pipe_splice", pipe_splice },
	{ "pipe_sendfile", pipe_sendfile },
	{ "cut_short", cut_short },
};

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	a = argv[2];
	b = argv[3];
	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++)
		if (!strcmp(corners[i].name, argv[1]))
			return corners[i].run();
	return 2;
}
