/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of a file that others change while it has it open.
 *
 *	LD_PRELOAD=... shim_looks CASE FILE BACKING
 *
 * FILE lies below a configured directory, has settled, and consists of the letter A. It is changed past
 * the shim, by system calls of our own on BACKING: the same file, or what a FUSE mount shows as FILE.
 * Exit status 0: as it must be.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outside.h" /* first */

#include "base/compiler.h"
#include "base/sys.h"
#include "shim_looks.h"

const char *path, *backing;
char buf[SIZE + BLOCK];

int fail(const char *what)
{
	fprintf(stderr, "%s (errno %d)\n", what, errno);
	return 1;
}

/* --- the others */

void change_size(off_t size)
{
	int fd = sys_openat(AT_FDCWD, backing, O_WRONLY, 0);

	if (fd < 0 || sys_ftruncate(fd, (uint64_t)size))
		exit(fail("truncate"));
	sys_close(fd);
}

void change_range(char letter, off_t from, size_t n)
{
	static char bytes[SIZE];
	int fd = sys_openat(AT_FDCWD, backing, O_WRONLY, 0);

	memset(bytes, letter, n);
	if (fd < 0 || sys_pwrite(fd, bytes, n, (uint64_t)from) != (ssize_t)n)
		exit(fail("change"));
	sys_close(fd);
}

void change(char letter)
{
	change_range(letter, 0, SIZE);
}

void tick(void)
{
	usleep(30000);
}

/* --- reading */

int file_open(int flags)
{
	int fd = open(path, O_RDONLY | flags);

	if (fd < 0)
		exit(fail(path));
	return fd;
}

int file_warm(void)
{
	int fd = file_open(0);

	for (int i = 0; i < 3; i++)
		if (pread(fd, buf, BLOCK, 0) != BLOCK || buf[0] != 'A')
			exit(fail("the first reads"));
	return fd;
}

bool all(size_t n, char letter)
{
	for (size_t i = 0; i < n; i++)
		if (buf[i] != letter)
			return false;
	return true;
}

bool has(int fd, char letter)
{
	return pread(fd, buf, BLOCK, 0) == BLOCK && all(BLOCK, letter);
}

/* --- the next read after a while, in all ways, is of the file as it is */

static ssize_t by_pread(int fd)
{
	return pread(fd, buf, BLOCK, 0);
}

static ssize_t by_read(int fd)
{
	return lseek(fd, 0, SEEK_SET) ? -1 : read(fd, buf, BLOCK);
}

static ssize_t by_readv(int fd)
{
	struct iovec iov[2] = { { buf, 1000 }, { buf + 1000, BLOCK - 1000 } };

	return lseek(fd, 0, SEEK_SET) ? -1 : readv(fd, iov, 2);
}

static ssize_t by_preadv(int fd)
{
	struct iovec iov[2] = { { buf, 1000 }, { buf + 1000, BLOCK - 1000 } };

	return preadv(fd, iov, 2, 0);
}

static ssize_t by_sendfile(int fd)
{
	static int ends[2] = { -1, -1 };
	off_t offset = 0;

	if (ends[0] < 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return -1;
	if (sendfile(ends[0], fd, &offset, BLOCK) != BLOCK)
		return -1;
	return recv(ends[1], buf, BLOCK, MSG_WAITALL);
}

static ssize_t by_copy(int fd)
{
	int copy = dup(fd);
	ssize_t n = pread(copy, buf, BLOCK, 0);

	close(copy);
	return n;
}

static ssize_t by_stream(int fd)
{
	static FILE *stream;

	(void)fd;
	if (!stream) {
		stream = fopen(path, "r");
		setvbuf(stream, NULL, _IOFBF, 512);
	}
	rewind(stream);
	fseek(stream, 1000, SEEK_SET);
	rewind(stream);
	return (ssize_t)fread(buf, 1, BLOCK, stream);
}

static ssize_t by_child(int fd)
{
	int ends[2];
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return -1;
	if (!fork()) {
		n = pread(fd, buf, BLOCK, 0);
		_exit(n != BLOCK || send(ends[0], buf, BLOCK, 0) != BLOCK);
	}
	n = recv(ends[1], buf, BLOCK, MSG_WAITALL);
	wait(NULL);
	close(ends[0]);
	close(ends[1]);
	return n;
}

static void *thread_read(void *arg)
{
	return (void *)pread(*(int *)arg, buf, BLOCK, 0);
}

static ssize_t by_thread(int fd)
{
	pthread_t thread;
	void *n = NULL;

	pthread_create(&thread, NULL, thread_read, &fd);
	pthread_join(thread, &n);
	return (ssize_t)n;
}

static const struct {
	const char *name;
	ssize_t (*read)(int fd);
} ways[] = {
	{ "pread", by_pread },	 { "read", by_read },	      { "readv", by_readv },
	{ "preadv", by_preadv }, { "sendfile", by_sendfile }, { "dup", by_copy },
	{ "stream", by_stream }, { "fork", by_child },	      { "thread", by_thread },
};

static int next_read(void)
{
	int fd = file_warm();

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		char letter = (char)('B' + i);

		for (int k = 0; k < 2; k++)
			if (ways[i].read(fd) != BLOCK || !all(BLOCK, (char)(letter - 1)))
				return fail(ways[i].name);
		change(letter);
		tick();
		if (ways[i].read(fd) != BLOCK || !all(BLOCK, letter))
			return fail(ways[i].name);
		tick(); /* let it settle, and be cached again */
		tick();
	}
	return 0;
}

/* --- locks: the kernel remembers attributes for long, and the server has others */

static int lock_by(int fd, int way)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 1 };

	switch (way) {
	case 0:
		return fcntl(fd, F_SETLK, &lock);
	case 1:
		return fcntl(fd, F_SETLKW, &lock);
	case 2:
		return fcntl(fd, F_OFD_SETLK, &lock);
	case 3:
		return flock(fd, LOCK_SH);
	case 4:
		return fsync(fd);
	case 5:
		return (int)syscall(SYS_flock, fd, LOCK_EX | LOCK_NB);
	default:
		return fdatasync(fd);
	}
}

static int unlock(int fd)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	flock(fd, LOCK_UN);
	fcntl(fd, F_OFD_SETLK, &lock);
	lock.l_pid = 0;
	return fcntl(fd, F_SETLK, &lock);
}

static int locks(void)
{
	int fd = file_warm();
	int other = file_warm();

	for (int way = 0; way <= 6; way++) {
		change((char)('B' + way));
		tick();
		if (lock_by(fd, way) || !has(other, (char)('B' + way)) ||
		    !has(fd, (char)('B' + way)))
			return fail("not seen under a lock");
		if (unlock(fd))
			return fail("unlock");
		tick();
		tick();
		has(fd, 'X'); /* cached again */
	}
	return 0;
}

/* lockf() wants a descriptor for writing: locks by that, reads by another one. */
static int lock_writer(void)
{
	int fd = file_warm();
	int lock = open(path, O_RDWR);

	change('B');
	tick();
	if (lock < 0 || lockf(lock, F_TLOCK, 1) || !has(fd, 'B'))
		return fail("not seen under lockf()");
	return 0;
}

/* Databases lock one file and read those beside it, which have changed at the server. */
static int lock_beside(void)
{
	char beside[4096];
	int fd = file_warm();
	int lock;

	snprintf(beside, sizeof(beside), "%s.lock", path);
	lock = open(beside, O_RDWR | O_CREAT, 0600);
	/* what was read is in the cache by then: until it is, it is asked for again anyway */
	usleep(300000);
	change('B');
	tick();
	if (lock < 0 || lockf(lock, F_LOCK, 0) || !has(fd, 'B'))
		return fail("not seen under a lock of the file beside it");
	unlink(beside);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{ "next_read", next_read },
	{ "locks", locks },
	{ "lock_writer", lock_writer },
	{ "lock_beside", lock_beside },
	{ "told", told },
	{ "told_end", told_end },
	{ "told_writer", told_writer },
	{ "mixed", mixed },
	{ "mixed_plain", mixed_plain },
	{ "mixed_parts", mixed_parts },
	{ "mixed_cut", mixed_cut },
	{ "later", later },
	{ "news_inotify", news_inotify },
	{ "news_directory", news_directory },
	{ "news_number", news_number },
	{ "news_lease", news_lease },
	{ "news_mapped", news_mapped },
	{ "heard_wait", heard_wait },
	{ "heard_flock", heard_flock },
	{ "heard_record_lock", heard_record_lock },
	{ "heard_lockf", heard_lockf },
	{ "heard_new_file", heard_new_file },
	{ "heard_mkdir", heard_mkdir },
	{ "heard_access", heard_access },
	{ "heard_absent", heard_absent },
	{ "heard_open", heard_open },
	{ "heard_eventfd", heard_eventfd },
	{ "heard_wide", heard_wide },
	{ "heard_wide_character", heard_wide_character },
	{ "heard_accept", heard_accept },
	{ "heard_connect", heard_connect },
	{ "heard_pipe", heard_pipe },
	{ "heard_count", heard_count },
	{ "heard_vector", heard_vector },
	{ "heard_recv", heard_recv },
	{ "heard_message", heard_message },
	{ "heard_line", heard_line },
	{ "heard_byte", heard_byte },
	{ "heard_byte_alone", heard_byte_alone },
	{ "heard_scan", heard_scan },
	{ "heard_record", heard_record },
	{ "heard_long_line", heard_long_line },
	{ "heard_command", heard_command },
	{ "heard_vfork", heard_vfork },
	{ "heard_signal", heard_signal },
};

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	path = argv[2];
	backing = argv[3];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, argv[1]))
			return cases[i].run();
	return 2;
}
