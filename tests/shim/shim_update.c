/* SPDX-License-Identifier: MIT */
/*
 * What is open for reading and writing is served until something is written through it, in whatever way: the
 * next read has the bytes that the kernel has.
 *
 *	LD_PRELOAD=... shim_update WAY FILE
 *
 * FILE lies below a configured directory, has settled, and consists of the letter A. Exit status 0: as it
 * must be. WAY "list" prints the ways.
 */
#include <aio.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "shim_update.h"

const char *path;
char buf[ROOM], want[ROOM];
ssize_t (*raw_pread)(int fd, void *buf, size_t n, uint64_t at);
ssize_t (*raw_pwrite)(int fd, const void *buf, size_t n, uint64_t at);
static int64_t (*raw_lseek)(int fd, int64_t offset, int whence);
int (*raw_open)(const char *path, int flags);
ssize_t (*raw_recvmsg)(int fd, void *message, int flags);
char *const no_shim[] = { "PATH=/usr/bin:/bin", NULL };

int fail(const char *what)
{
	fprintf(stderr, "%s (errno %d)\n", what, errno);
	return 1;
}

void wait_for(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		exit(fail("the child"));
}

/* --- the ways; each leaves other bytes in the first block */

static void way_write(int fd)
{
	write(fd, "B", 1);
}

static void way_pwrite(int fd)
{
	pwrite(fd, "B", 1, 7);
}

static void way_writev(int fd)
{
	struct iovec iov = { "B", 1 };

	writev(fd, &iov, 1);
}

static void way_pwritev(int fd)
{
	struct iovec iov = { "B", 1 };

	pwritev(fd, &iov, 1, 9);
}

static void way_syscall(int fd)
{
	syscall(SYS_pwrite64, fd, "B", 1, 7);
}

static void way_dup(int fd)
{
	int other = dup(fd);

	pwrite(other, "B", 1, 7);
	close(other);
}

static void way_truncate(int fd)
{
	ftruncate(fd, 100);
}

static void way_fallocate(int fd)
{
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, BLOCK);
}

static void way_posix_fallocate(int fd)
{
	posix_fallocate(fd, SIZE, BLOCK);
}

static void way_sendfile(int fd)
{
	int from = open("/proc/self/exe", O_RDONLY);

	sendfile(fd, from, NULL, 100);
	close(from);
}

static void way_copy(int fd)
{
	char name[] = "/tmp/shim_update.XXXXXX";
	int from = mkstemp(name);
	off64_t at = 5;

	unlink(name);
	write(from, "BCDE", 4);
	lseek(from, 0, SEEK_SET);
	if (copy_file_range(from, NULL, fd, &at, 4, 0) != 4)
		pwrite(fd, "BCDE", 4, 5); /* between file systems, before Linux 5.19 */
	close(from);
}

static void way_splice(int fd)
{
	off64_t at = 3;
	int ends[2];

	if (pipe(ends))
		exit(fail("pipe"));
	write(ends[1], "BCD", 3);
	splice(ends[0], NULL, fd, &at, 3, 0);
	close(ends[0]);
	close(ends[1]);
}

static void way_map(int fd)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	p[11] = 'B';
}

static void way_map_later(int fd)
{
	char *p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

	buf[0] = p[0];
	close(dup(fd));
	if (pread(fd, buf, BLOCK, 0) != BLOCK)
		exit(fail("pread"));
	mprotect(p, SIZE, PROT_READ | PROT_WRITE);
	p[11] = 'B';
}

static void way_dprintf(int fd)
{
	dprintf(fd, "%d", 12345);
}

static void way_backtrace(int fd)
{
	void *frames[2];

	backtrace_symbols_fd(frames, backtrace(frames, 2), fd);
}

static void way_stream(int fd)
{
	FILE *stream = fdopen(dup(fd), "r+");

	fprintf(stream, "a stream");
	fclose(stream);
}

static void way_stream_full(int fd)
{
	FILE *stream = fdopen(fd, "r+");

	/* written inside libc, by no call that is a hook */
	setvbuf(stream, NULL, _IONBF, 0);
	fputc('B', stream);
}

static void way_stdout(int fd)
{
	int kept = dup(STDOUT_FILENO);

	dup2(fd, STDOUT_FILENO);
	setvbuf(stdout, NULL, _IONBF, 0);
	putchar('B');
	dup2(kept, STDOUT_FILENO);
}

static void way_aio(int fd)
{
	struct aiocb cb = { .aio_fildes = fd, .aio_buf = "B", .aio_nbytes = 1, .aio_offset = 2 };
	const struct aiocb *list = &cb;

	aio_write(&cb);
	while (aio_error(&cb) == EINPROGRESS)
		aio_suspend(&list, 1, NULL);
	aio_return(&cb);
}

static void way_append(int fd)
{
	fcntl(fd, F_SETFL, O_APPEND);
	write(fd, "B", 1);
}

static const struct way {
	const char *name;
	void (*change)(int fd);
} ways[] = {
	{ "write", way_write },
	{ "pwrite", way_pwrite },
	{ "writev", way_writev },
	{ "pwritev", way_pwritev },
	{ "syscall", way_syscall },
	{ "dup", way_dup },
	{ "truncate", way_truncate },
	{ "fallocate", way_fallocate },
	{ "posix_fallocate", way_posix_fallocate },
	{ "sendfile", way_sendfile },
	{ "copy", way_copy },
	{ "splice", way_splice },
	{ "map", way_map },
	{ "map_later", way_map_later },
	{ "dprintf", way_dprintf },
	{ "backtrace", way_backtrace },
	{ "stream", way_stream },
	{ "stream_full", way_stream_full },
	{ "stdout", way_stdout },
	{ "aio", way_aio },
	{ "append", way_append },
	{ "fork", way_fork },
	{ "spawn", way_spawn },
	{ "vfork", way_vfork },
	{ "system", way_system },
	{ "message", way_message },
	{ "received", way_received },
};

/* --- */

/* Read as a whole, at offsets and at the position: what the kernel has. */
static int same(int fd, const char *when)
{
	ssize_t n = raw_pread(fd, want, ROOM, 0);
	int64_t at = raw_lseek(fd, 0, SEEK_CUR);
	ssize_t rest;

	if (n < 0 || pread(fd, buf, ROOM, 0) != n || memcmp(buf, want, (size_t)n))
		return fail(when);
	if (pread(fd, buf, BLOCK, 0) != (n < BLOCK ? n : BLOCK) ||
	    memcmp(buf, want, n < BLOCK ? (size_t)n : BLOCK))
		return fail(when);
	if (lseek(fd, 0, SEEK_CUR) != at)
		return fail("the position");
	rest = n > at ? n - at : 0;
	if (read(fd, buf, ROOM) != rest || memcmp(buf, want + at, (size_t)rest))
		return fail("at the position");
	lseek(fd, at, SEEK_SET);
	return 0;
}

static int run(const struct way *way)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int reader = open(path, O_RDONLY);

	if (fd < 0 || reader < 0)
		return fail(path);
	/* the position is the process's own by now */
	for (int i = 0; i < 3; i++)
		if (read(fd, buf, 100) != 100 || pread(fd, buf, BLOCK, 0) != BLOCK ||
		    buf[0] != 'A' || pread(reader, buf, BLOCK, 0) != BLOCK)
			return fail("the first reads");
	if (lseek(fd, 0, SEEK_CUR) != 300)
		return fail("the position after the first reads");
	way->change(fd);
	if (same(fd, "what was changed") || same(reader, "by another descriptor"))
		return 1;
	if (raw_pread(fd, want, ROOM, 0) == SIZE && !memcmp(want, memset(buf, 'A', SIZE), SIZE))
		return fail("nothing was changed");
	pwrite(fd, "Z", 1, 1);
	return same(fd, "what was changed again") || same(reader, "by another descriptor, again");
}

static void *raw_find(void *library, const char *name)
{
	void *found = library ? dlsym(library, name) : NULL;

	if (!found)
		exit(fail(name));
	return found;
}

static void raw_load(const char *library)
{
	void *loaded = dlopen(library, RTLD_NOW);

	raw_pread = raw_find(loaded, "raw_pread");
	raw_pwrite = raw_find(loaded, "raw_pwrite");
	raw_lseek = raw_find(loaded, "raw_lseek");
	raw_open = raw_find(loaded, "raw_open");
	raw_recvmsg = raw_find(loaded, "raw_recvmsg");
}

/* list: of the ways; or a way, a file of SIZE bytes, and the library of raw_calls.c */
int main(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (argc == 2)
			puts(ways[i].name);
		else if (argc == 4 && !strcmp(argv[1], ways[i].name)) {
			path = argv[2];
			raw_load(argv[3]);
			return run(&ways[i]);
		}
	}
	return argc == 2 ? 0 : 2;
}
