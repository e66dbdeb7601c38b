/* SPDX-License-Identifier: MIT */
/*
 * Reads a file twice in pieces of 4 KiB and prints a sum of the second pass, which it marks with
 * getppid() before and after: for counting system calls. reader read|pread|readv|left FILE
 * "left" reads with pread, after a signal handler has left preads by siglongjmp().
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECE 4096
#define READS 1000

static sigjmp_buf back;
static volatile int leaving; /* times */

static void leave(int sig)
{
	(void)sig;
	if (leaving)
		siglongjmp(back, 1);
}

static void timer(suseconds_t every)
{
	struct itimerval t = { { 0, every }, { 0, every } };

	setitimer(ITIMER_REAL, &t, NULL);
}

/* A function of its own, so that reads which are left and those after them are called from one frame. */
static __attribute__((noinline)) ssize_t read_piece(const char *way, int fd, char *buf, int i,
						    off_t size)
{
	static char large[1 << 20];
	off_t offset = (off_t)i * PIECE % (size - PIECE);
	struct iovec iov[2] = { { buf, 1000 }, { buf + 1000, PIECE - 1000 } };

	if (leaving && sigsetjmp(back, 1))
		leaving = leaving - 1;
	while (leaving)
		if (pread(fd, large, sizeof(large), 0) <= 0)
			return -1;
	if (!strcmp(way, "pread") || !strcmp(way, "left"))
		return pread(fd, buf, PIECE, offset);
	if (lseek(fd, offset, SEEK_SET) != offset)
		return -1;
	return !strcmp(way, "readv") ? readv(fd, iov, 2) : read(fd, buf, PIECE);
}

static int pass(const char *way, int fd, off_t size, uint64_t *sum)
{
	char buf[PIECE];

	*sum = 0;
	for (int i = 0; i < READS; i++) {
		if (read_piece(way, fd, buf, i, size) != PIECE)
			return -1;
		for (int j = 0; j < PIECE; j++)
			*sum = *sum * 31 + (unsigned char)buf[j];
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t sum;
	off_t size;
	int fd;

	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDONLY);
	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size < 2 * PIECE || pass(argv[1], fd, size, &sum) || pass(argv[1], fd, size, &sum))
		return 1;
	if (!strcmp(argv[1], "left")) {
		leaving = 50;
		signal(SIGALRM, leave);
		timer(1234);
		if (read_piece(argv[1], fd, (char[PIECE]){ 0 }, 0, size) != PIECE)
			return 1;
		timer(0);
	}
	getppid();
	if (pass(argv[1], fd, size, &sum))
		return 1;
	getppid();
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
