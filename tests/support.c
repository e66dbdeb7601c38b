/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/sys.h"
#include "pattern.h"

enum rawcache_io test_io;
bool test_direct;

static char directory[256];
static pid_t directory_owner;
static unsigned int tap_count;
static unsigned int tap_failed;

void die(const char *format, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	exit(99);
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_remove(void)
{
	if (*directory && directory_owner == getpid())
		nftw(directory, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_dir(void)
{
	const char *parent = getenv("TMPDIR");

	if (*directory)
		return directory;
	snprintf(directory, sizeof(directory), "%s/rawcache-test.XXXXXX", parent ? parent : ".");
	if (!mkdtemp(directory))
		die("no scratch directory: %s", strerror(errno));
	if (*directory != '/') {
		char *full = realpath(directory, NULL);

		if (!full || strlen(full) >= sizeof(directory))
			die("the scratch directory has no path");
		strcpy(directory, full);
		free(full);
	}
	directory_owner = getpid();
	atexit(scratch_remove);
	return directory;
}

const char *scratch_path(const char *format, ...)
{
	static char paths[8][512];
	static unsigned int next;
	char *path = paths[next++ % 8];
	size_t n = (size_t)snprintf(path, sizeof(paths[0]), "%s/", scratch_dir());
	va_list ap;

	va_start(ap, format);
	vsnprintf(path + n, sizeof(paths[0]) - n, format, ap);
	va_end(ap);
	return path;
}

void image_make(const char *path, uint64_t bytes)
{
	struct rawcache_format_options options;
	char message[256] = "";

	rawcache_format_options_init(&options, sizeof(options));
	options.size = bytes;
	options.region_size = TEST_REGION_BYTES;
	if (rawcache_image_format(path, &options, message, sizeof(message)))
		die("%s cannot be formatted: %s", path, message);
}

void options_for(struct rawcache_options *options, const char *image)
{
	rawcache_options_init(options, sizeof(*options));
	options->device = image;
	options->runtime_dir = scratch_dir();
	options->settle_ms = 20;
	options->io = test_io;
	options->direct = test_direct;
}

struct rawcache *attach(const char *image)
{
	struct rawcache_options options;
	enum rawcache_reason reason;
	struct rawcache *cache = NULL;
	int err;

	options_for(&options, image);
	err = rawcache_attach(&options, &cache, &reason);
	if (err)
		die("attach: %s (%s)", strerror(-err), rawcache_reason_name(reason));
	return cache;
}

int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		die("open %s: %s", path, strerror(errno));
	return fd;
}

void file_write(const char *path, uint32_t number, uint32_t version, uint64_t size)
{
	struct timespec old[2] = { { time(NULL) - 3600, 0 }, { time(NULL) - 3600, 0 } };
	int fd = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);
	char piece[65536];

	for (uint64_t at = 0; at < size; at += sizeof(piece)) {
		size_t n = size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);

		pattern_fill(piece, n, number, version, at);
		if (write(fd, piece, n) != (ssize_t)n)
			die("write %s: %s", path, strerror(errno));
	}
	futimens(fd, old);
	close(fd);
}

int file_open_fd(struct rawcache *cache, int fd, uint64_t *file)
{
	char self[40];
	char path[512];
	struct statx stx;
	ssize_t n;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, path, sizeof(path) - 1);
	if (n < 0 || sys_fstatx(fd, &stx))
		return -EBADF;
	path[n] = '\0';
	return rawcache_file_open(cache, fd, path, &stx, file, NULL);
}

uint64_t file_open_path(struct rawcache *cache, const char *path, int *fd)
{
	uint64_t file = 0;
	int err = -EAGAIN;

	*fd = open_or_die(path, O_RDONLY);
	for (int i = 0; i < 100 && err == -EAGAIN; i++) {
		err = file_open_fd(cache, *fd, &file);
		if (err == -EAGAIN)
			usleep(5000);
	}
	if (err)
		die("%s is not cached: %s", path, strerror(-err));
	return file;
}

bool file_read_right(struct rawcache *cache, uint64_t file, int fd, uint32_t number, size_t n,
		     uint64_t offset)
{
	char *buf = malloc(n);
	bool right = buf && rawcache_file_read(cache, file, fd, buf, n, offset) == (ssize_t)n &&
		     pattern_check(buf, n, number, 1, 1, offset) == n;

	free(buf);
	return right;
}

double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t thread_scheduled(void)
{
	static __thread int fd = -1;
	unsigned long long run = 0;
	unsigned long long wait = 0;
	char text[64] = "";

	if (fd < 0)
		fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	return sscanf(text, "%llu %llu", &run, &wait) == 2 ? run + wait : 0;
}

void tap_ok(bool ok, const char *format, ...)
{
	va_list ap;

	tap_failed += !ok;
	printf("%sok %u - ", ok ? "" : "not ", ++tap_count);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

void tap_note(const char *format, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

int tap_end(void)
{
	printf("1..%u\n", tap_count);
	fflush(stdout);
	return tap_failed ? 1 : 0;
}
