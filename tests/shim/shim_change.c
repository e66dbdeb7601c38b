/* SPDX-License-Identifier: MIT */
/*
 * Files that change while they are open: writers in this and another process, all of them under
 * the preload object, in every way there is to change a file. A reader that has the old bytes
 * cached must give the new ones with its next read.
 *
 *	LD_PRELOAD=... shim_change DIRECTORY
 *
 * DIRECTORY is configured; RAWCACHE_SETTLE is small (0.1), so that the test does not wait long.
 * Speaks TAP.
 */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (512 * 1024)
#define AT (300 * 1024)

static char path[4096], other[4096], buf[SIZE * 2];
static int tests, failures;

static void result(int good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failures += !good;
}

static void settle(void)
{
	usleep(400000);
}

static void make(const char *name, int c)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	memset(buf, c, SIZE);
	if (fd < 0 || write(fd, buf, SIZE) != SIZE || close(fd))
		exit(77);
}

/* A descriptor whose file is in the cache. */
static int reader(void)
{
	int fd = open(path, O_RDONLY);

	while (read(fd, buf, SIZE) > 0)
		;
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int byte_at(int fd, off_t at)
{
	unsigned char c;

	return pread(fd, &c, 1, at) == 1 ? c : -1;
}

enum way {
	WRITE,
	PWRITE,
	WRITEV,
	PWRITEV,
	PWRITEV2,
	SENDFILE,
	COPY_RANGE,
	SPLICE,
	AIO,
	STREAM,
	SYSCALL,
	PUNCH,
	ZERO,
	WAYS
};
static const char *const way_names[] = { "write",
					 "pwrite",
					 "writev",
					 "pwritev",
					 "pwritev2",
					 "sendfile",
					 "copy_file_range",
					 "splice",
					 "aio_write",
					 "fwrite",
					 "syscall(SYS_pwrite64)",
					 "fallocate(PUNCH_HOLE)",
					 "fallocate(ZERO_RANGE)" };

static int spliced(int fd)
{
	loff_t at = AT;
	int p[2];

	return !pipe(p) && write(p[1], buf, 100) == 100 &&
	       splice(p[0], NULL, fd, &at, 100, 0) == 100;
}

static int asynchronous(int fd)
{
	struct aiocb cb = { .aio_fildes = fd, .aio_buf = buf, .aio_nbytes = 100, .aio_offset = AT };
	const struct aiocb *list[] = { &cb };

	if (aio_write(&cb))
		return 0;
	while (aio_error(&cb) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	return aio_return(&cb) == 100;
}

/* Write 100 bytes at AT; `from` holds them at its start. */
static int change(int fd, int from, enum way way)
{
	struct iovec iov = { buf, 100 };
	off_t zero = 0;
	off_t at = AT;
	FILE *f;

	lseek(fd, AT, SEEK_SET);
	switch (way) {
	case WRITE:
		return write(fd, buf, 100) == 100;
	case PWRITE:
		return pwrite(fd, buf, 100, AT) == 100;
	case WRITEV:
		return writev(fd, &iov, 1) == 100;
	case PWRITEV:
		return pwritev(fd, &iov, 1, AT) == 100;
	case PWRITEV2:
		return pwritev2(fd, &iov, 1, AT, 0) == 100;
	case SENDFILE:
		return sendfile(fd, from, &zero, 100) == 100;
	case COPY_RANGE:
		return copy_file_range(from, &zero, fd, &at, 100, 0) == 100;
	case SPLICE:
		return spliced(fd);
	case AIO:
		return asynchronous(fd);
	case STREAM:
		f = fdopen(dup(fd), "r+");
		return f && fwrite(buf, 1, 100, f) == 100 && !fclose(f);
	case SYSCALL:
		return syscall(SYS_pwrite64, fd, buf, 100, AT) == 100;
	case PUNCH:
		return !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, AT, 100);
	case ZERO:
		return !fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, AT, 100);
	default:
		return 0;
	}
}

/* Change it, in this process or in a child, and set the times back. */
static int change_quietly(enum way way, int c, int child)
{
	struct stat st;
	int status = 0;
	int from;
	int good;
	int fd;
	pid_t pid;

	if (child) {
		pid = fork();
		if (!pid)
			_exit(!change_quietly(way, c, 0));
		waitpid(pid, &status, 0);
		return !status;
	}
	memset(buf, c, 100);
	from = open(other, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (stat(path, &st) || pwrite(from, buf, 100, 0) != 100)
		return 0;
	fd = open(path, O_RDWR);
	good = change(fd, from, way);
	futimens(fd, (struct timespec[]){ st.st_atim, st.st_mtim });
	close(fd);
	close(from);
	return good;
}

static void in_place(int child)
{
	char name[128];

	for (enum way way = 0; way < WAYS; way++) {
		int zero = way == PUNCH || way == ZERO;
		int c = zero ? 0 : 'a' + (int)way + 13 * child;
		int fd;

		make(path, 'z');
		settle();
		fd = reader();
		snprintf(name, sizeof(name), "%s in %s process", way_names[way],
			 child ? "another" : "the same");
		if (!change_quietly(way, c, child))
			printf("ok %d # SKIP %s: %s\n", ++tests, name, strerror(errno));
		else
			result(byte_at(fd, AT) == c && byte_at(fd, AT + 99) == c &&
				       byte_at(fd, AT + 100) == 'z',
			       name);
		close(fd);
	}
}

static void sizes(void)
{
	int fd;
	int w;

	make(path, 'z');
	settle();
	fd = reader();
	result(!truncate(path, AT), "truncate");
	result(byte_at(fd, AT) == -1 && byte_at(fd, AT - 1) == 'z', "and the reader sees the end");
	result(!truncate(path, SIZE), "grow");
	result(byte_at(fd, AT) == 0 && byte_at(fd, SIZE - 1) == 0, "and the reader sees the zeros");
	settle();
	lseek(fd, 0, SEEK_SET);
	while (read(fd, buf, SIZE) > 0)
		;
	w = open(path, O_WRONLY | O_APPEND);
	for (int i = 0; i < 50; i++) {
		char c = (char)i;

		if (write(w, &c, 1) != 1 || read(fd, buf, 10) != 1 || buf[0] != c ||
		    read(fd, buf, 10) != 0) {
			result(0, "a reader follows a growing file");
			return;
		}
	}
	result(1, "a reader follows a growing file");
	close(open(path, O_WRONLY | O_TRUNC));
	result(byte_at(fd, 0) == -1, "O_TRUNC");
	close(w);
	close(fd);
}

static void names(void)
{
	int fd, fresh;

	make(path, 'z');
	make(other, 'y');
	settle();
	fd = reader();
	rename(other, path);
	fresh = reader();
	result(byte_at(fd, AT) == 'z' && byte_at(fresh, AT) == 'y', "a file replaced by rename");
	unlink(path);
	result(byte_at(fd, AT) == 'z' && byte_at(fresh, AT) == 'y',
	       "a file removed while it is open");
	make(path, 'x');
	settle();
	close(fresh);
	fresh = reader();
	result(byte_at(fd, AT) == 'z' && byte_at(fresh, AT) == 'x', "and made anew");
	close(fd);
	close(fresh);
}

/* What is stored through a mapping is seen after msync() and munmap(), without a close. */
static void mapped(void)
{
	int fd, w;
	char *p;

	make(path, 'm');
	settle();
	fd = reader();
	w = open(path, O_RDWR);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
	close(w);
	result(p != MAP_FAILED && byte_at(fd, AT) == 'm', "a mapping of a file that is read");
	p[AT] = 'n';
	result(!msync(p, SIZE, MS_SYNC) && byte_at(fd, AT) == 'n', "msync()");
	close(fd);
	settle();
	fd = reader();
	p[AT] = 'o';
	munmap(p, SIZE);
	result(byte_at(fd, AT) == 'o', "munmap()");
	close(fd);
}

/* A reader that looked at the file while the write was on its way looks again when it is done. */
static void asynchronously(void)
{
	struct aiocb cb = { .aio_buf = other, .aio_nbytes = 1, .aio_offset = AT };
	const struct aiocb *list[] = { &cb };
	int good = 1;

	for (int i = 0; i < 3; i++) {
		int fd;

		make(path, 'p');
		settle();
		fd = reader();
		cb.aio_fildes = open(path, O_RDWR);
		aio_write(&cb);
		byte_at(fd, 0);
		while (aio_error(&cb) == EINPROGRESS)
			aio_suspend(list, 1, NULL);
		good = good && byte_at(fd, AT) == other[0];
		aio_return(&cb);
		close(cb.aio_fildes);
		close(fd);
	}
	result(good, "aio_write() is announced when it is done");
}

/* Written from outside, as by a program without the shim: a new open sees it. */
static void outside(void)
{
	int fd, fresh;

	make(path, 'z');
	settle();
	fd = reader();
	if (system("LD_PRELOAD= dd if=/dev/zero of=\"$F\" bs=1 count=1 seek=307200 conv=notrunc "
		   "2>/dev/null"))
		return;
	fresh = open(path, O_RDONLY);
	result(byte_at(fresh, AT) == 0, "close-to-open against writers that nobody sees");
	close(fd);
	close(fresh);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		return 77;
	snprintf(path, sizeof(path), "%s/change", argv[1]);
	snprintf(other, sizeof(other), "%s/change2", argv[1]);
	setenv("F", path, 1);
	in_place(0);
	in_place(1);
	sizes();
	names();
	mapped();
	asynchronously();
	outside();
	unlink(path);
	unlink(other);
	printf("1..%d\n", tests);
	return failures != 0;
}
