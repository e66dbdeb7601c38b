/* SPDX-License-Identifier: MIT */
#include "faults/calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <liburing.h>

#include "faults/raw_ring.h"

static int plain_open(const char *path)
{
	return open(path, O_RDONLY);
}

static const struct calls plain = { "libc", read, pread, plain_open, close, dup2 };

/* --- liburing */

static __thread struct io_uring ring;
static __thread int ring_there;

static struct io_uring_sqe *ring_entry(void)
{
	if (!ring_there && io_uring_queue_init(4, &ring, 0))
		return NULL;
	ring_there = 1;
	return io_uring_get_sqe(&ring);
}

static int ring_do(void)
{
	struct io_uring_cqe *cqe;
	int result;

	if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &cqe))
		return -1;
	result = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

static ssize_t ring_pread(int fd, void *buf, size_t n, off_t at)
{
	struct io_uring_sqe *sqe = ring_entry();

	if (!sqe)
		return -1;
	io_uring_prep_read(sqe, fd, buf, (unsigned int)n, (uint64_t)at);
	return ring_do();
}

static ssize_t ring_read(int fd, void *buf, size_t n)
{
	return ring_pread(fd, buf, n, -1);
}

static int ring_open(const char *path)
{
	struct io_uring_sqe *sqe = ring_entry();

	if (!sqe)
		return -1;
	io_uring_prep_openat(sqe, AT_FDCWD, path, O_RDONLY, 0);
	return ring_do();
}

static int ring_close(int fd)
{
	struct io_uring_sqe *sqe = ring_entry();

	if (!sqe)
		return -1;
	io_uring_prep_close(sqe, fd);
	return ring_do();
}

static const struct calls by_ring = {
	"liburing", ring_read, ring_pread, ring_open, ring_close, dup2
};
static const struct calls by_raw = {
	"a ring by syscall(2)", raw_read, raw_pread, raw_open, raw_close, dup2
};

/* --- by number */

static ssize_t number_read(int fd, void *buf, size_t n)
{
	return syscall(SYS_read, fd, buf, n);
}

static ssize_t number_pread(int fd, void *buf, size_t n, off_t at)
{
	return syscall(SYS_pread64, fd, buf, n, at);
}

static int number_open(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
}

static int number_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

static int number_dup2(int fd, int to)
{
	return (int)syscall(SYS_dup3, fd, to, 0);
}

static const struct calls by_number = { "syscall(2)", number_read,  number_pread,
					number_open,  number_close, number_dup2 };

/* --- other functions of libc's names */

static int (*library_open)(const char *path, int flags, ...);

static int found_open(const char *path)
{
	return library_open(path, O_RDONLY);
}

static const struct calls *library_calls(void *library, const char *prefix, const char *name)
{
	static const char *const names[] = { "read", "pread", "open", "close", "dup2" };
	static struct calls calls;
	void *found[5];

	for (size_t i = 0; i < 5; i++) {
		char symbol[32];

		strcpy(symbol, prefix);
		strcat(symbol, names[i]);
		found[i] = library ? dlsym(library, symbol) : NULL;
		if (!found[i])
			return NULL;
	}
	calls.name = name;
	memcpy(&calls.read, &found[0], sizeof(void *));
	memcpy(&calls.pread, &found[1], sizeof(void *));
	memcpy(&library_open, &found[2], sizeof(void *));
	calls.open = found_open;
	memcpy(&calls.close, &found[3], sizeof(void *));
	memcpy(&calls.dup2, &found[4], sizeof(void *));
	return &calls;
}

const struct calls *calls_get(unsigned int kind, const char *plugin)
{
	switch (kind % CALLS) {
	case 0:
		return &plain;
	case 1:
		return &by_ring;
	case 2:
		return &by_raw;
	case 3:
		return library_calls(dlopen("libc.so.6", RTLD_NOW), "", "a handle on libc");
	case 4:
		return library_calls(dlopen(plugin, RTLD_NOW | RTLD_DEEPBIND), "plugin_",
				     "RTLD_DEEPBIND");
	case 5:
		return library_calls(dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW), "", "dlmopen()");
	default:
		return &by_number;
	}
}
