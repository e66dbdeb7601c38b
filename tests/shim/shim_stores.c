/* SPDX-License-Identifier: MIT */
/*
 * Stores into a shared mapping, of which nobody hears, and of which on many file systems not even the file's times
 * tell: whoever reads the file has them, as without the cache. Reads are made while the mapping is there, and after
 * its end.
 *
 *	shim_stores same|other|closed|inherited|part|opened|doubled|left|tail FILE
 *
 * The mapping is this process's own, another one's, one whose descriptor is closed, one that only a fork child still
 * has, one of which a part was unmapped, one that could not be written at first, one that was there twice, one that
 * mremap() left where it was, or the last page of one whose others were moved away. Speaks TAP.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define BYTES (4 * PAGE)
#define ROUNDS 12

static char *mapping;
static size_t at, shorter;   /* where the stores are; what the mapping lacks in its last page */
static int work[2], done[2]; /* pipes to and from who stores */

static int tests, failures;

static void result(bool right, const char *name)
{
	printf("%sok %d - %s\n", right ? "" : "not ", ++tests, name);
	failures += !right;
}

static int map_prot = PROT_READ | PROT_WRITE;

static bool map(const char *path, bool keep)
{
	int fd = open(path, O_RDWR);

	mapping = mmap(NULL, BYTES - shorter, map_prot, MAP_SHARED, fd, 0);
	if (!keep)
		close(fd);
	return mapping != MAP_FAILED;
}

/* Store what is asked for, until it is 0. */
static int worker(void)
{
	char byte;

	while (read(work[0], &byte, 1) == 1) {
		if (byte)
			memset(mapping + at, byte, PAGE);
		else
			munmap(mapping + at, BYTES - at);
		if (write(done[1], &byte, 1) != 1 || !byte)
			break;
	}
	return 0;
}

/* In another process; with `inherited` in the child of the one that has made the mapping, which is gone. */
static bool worker_start(const char *path, bool inherited)
{
	char byte;
	pid_t child = fork();

	if (child)
		return child > 0 && read(done[0], &byte, 1) == 1 &&
		       (!inherited || waitpid(child, NULL, 0) == child);
	if (!map(path, true))
		_exit(1);
	if (inherited && fork())
		_exit(0);
	if (write(done[1], "", 1) == 1)
		worker();
	_exit(0);
}

static bool store(char byte, bool other)
{
	if (other)
		return write(work[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1;
	if (byte)
		memset(mapping + at, byte, PAGE);
	else
		munmap(mapping + at, BYTES - at);
	return true;
}

static bool reads(int fd, char byte)
{
	char buf[PAGE];

	if (pread(fd, buf, sizeof(buf), (off_t)at) != sizeof(buf))
		return false;
	return buf[0] == byte && buf[PAGE - 1] == byte;
}

static bool reads_anew(const char *path, char byte)
{
	int fd = open(path, O_RDONLY);
	bool right = reads(fd, byte);

	close(fd);
	return right;
}

/* The mapping as the way wants it. */
static void map_prepare(const char *how, int fd)
{
	if (!strcmp(how, "part"))
		munmap(mapping + 2 * PAGE, 2 * PAGE);
	if (!strcmp(how, "opened")) {
		reads(fd, '.');
		mprotect(mapping, BYTES, PROT_READ | PROT_WRITE);
	}
	if (!strcmp(how, "doubled"))
		munmap(mremap(mapping, 0, BYTES, MREMAP_MAYMOVE), BYTES);
	if (!strcmp(how, "left")) /* kernels before 5.13 refuse it */
		munmap(mremap(mapping, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), BYTES);
	if (!strcmp(how, "tail")) {
		char *to = mmap(NULL, at, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		munmap(mremap(mapping, at, at, MREMAP_MAYMOVE | MREMAP_FIXED, to), at);
	}
}

int main(int argc, char **argv)
{
	bool inherited = argc > 1 && !strcmp(argv[1], "inherited");
	bool other = inherited || (argc > 1 && !strcmp(argv[1], "other"));
	bool kept = true, anew = true, left = true;
	char byte = 0;
	int fd;

	if (argc != 3 || pipe(work) || pipe(done))
		return 2;
	if (!strcmp(argv[1], "opened"))
		map_prot = PROT_READ;
	if (!strcmp(argv[1], "tail")) {
		at = BYTES - PAGE;
		shorter = PAGE - 1;
	}
	fd = open(argv[2], O_RDONLY);
	if (!reads(fd, '.'))
		return 2;
	if (other ? !worker_start(argv[2], inherited) : !map(argv[2], strcmp(argv[1], "closed")))
		return 2;
	map_prepare(argv[1], fd);
	for (int round = 0; round < ROUNDS; round++) {
		byte = (char)('a' + round);
		left = store(byte, other) && left;
		for (int i = 0; i < 3; i++) {
			kept = reads(fd, byte) && kept;
			anew = reads_anew(argv[2], byte) && anew;
			/* what is read in between may be stored by then */
			usleep(30000);
		}
	}
	result(kept, "a descriptor that was open before");
	result(anew, "one that is opened later");
	left = store(0, other) && left;
	for (int i = 0; i < 10; i++) {
		left = reads(fd, byte) && reads_anew(argv[2], byte) && left;
		usleep(20000);
	}
	result(left, "when the mapping is gone");
	return failures != 0;
}
