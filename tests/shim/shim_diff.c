/* SPDX-License-Identifier: MIT */
/*
 * Random calls on two files with the same bytes, in lockstep: one below a configured directory,
 * one outside. Every result, errno and byte must be the same.
 *
 *	LD_PRELOAD=... shim_diff CACHED-FILE PLAIN-FILE [SEED [ROUNDS]]
 *
 * Exits 0, or 1 at the first difference with the seed and the call on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim_diff.h"

#define PAIRS 8

static const char *path[2];
static int pair[PAIRS][2]; /* -1: closed */
static char *room[2];
static uint64_t state;
static unsigned long step, seed;
static const char *what;

static uint64_t rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void differ(const char *how, long a, long b)
{
	fprintf(stderr, "seed %lu step %lu %s: %s: %ld, plain file %ld\n", seed, step, what, how, a,
		b);
	exit(1);
}

static void same(long a, int errno_a, long b, int errno_b, int bytes)
{
	if (a != b)
		differ("result", a, b);
	if (a < 0 && errno_a != errno_b)
		differ("errno", errno_a, errno_b);
	if (bytes && a > 0 && memcmp(room[0], room[1], ROOM))
		differ("bytes", a, b);
}

static size_t some_size(off_t size)
{
	switch (rnd(8)) {
	case 0:
		return rnd(2);
	case 1:
		return rnd(64);
	case 2:
		return 4096;
	case 3:
		return rnd(ROOM);
	case 4:
		return 262144;
	default:
		return rnd((uint64_t)size / 4 + 2) % ROOM;
	}
}

static off_t some_offset(off_t size)
{
	switch (rnd(10)) {
	case 0:
		return -(off_t)rnd(10);
	case 1:
		return size + (off_t)rnd(5) - 2;
	case 2:
		return LLONG_MAX - (off_t)rnd(5);
	case 3:
		return (off_t)(rnd(64) * 262144);
	case 4:
		return size * 2;
	default:
		return (off_t)rnd((uint64_t)size + 1);
	}
}

/* Run `call` for both sides; it may use i, fd, buf. */
#define BOTH(name, bytes, call) \
	do { \
		long r[2]; \
		int e[2]; \
		what = name; \
		for (int i = 0; i < 2; i++) { \
			int fd = pair[slot][i]; \
			char *buf = room[i]; \
			(void)fd; \
			(void)buf; \
			errno = 0; \
			r[i] = (call); \
			e[i] = errno; \
			if (r[i] >= 0 && errno) \
				differ("errno on success", errno, 0); \
		} \
		same(r[0], e[0], r[1], e[1], bytes); \
	} while (0)

static int flags_of(int slot, int i, int flags)
{
	pair[slot][i] = open(path[i], flags);
	return pair[slot][i] >= 0 ? 0 : -1;
}

static long vector(int fd, char *buf, off_t offset, int how, const size_t *cut, int count)
{
	struct iovec iov[8];

	for (int i = 0; i < count; i++) {
		iov[i].iov_base = buf;
		iov[i].iov_len = cut[i];
		buf += cut[i];
	}
	switch (how) {
	case 0:
		return readv(fd, iov, count);
	case 1:
		return preadv(fd, iov, count, offset);
	case 2:
		return preadv2(fd, iov, count, -1, 0);
	default:
		return preadv2(fd, iov, count, offset, 0);
	}
}

static void do_vector(int slot, off_t size)
{
	size_t cut[8];
	int how = (int)rnd(4);
	int count = (int)rnd(8);
	off_t offset = some_offset(size);

	for (int i = 0; i < 8; i++)
		cut[i] = some_size(size) % (ROOM / 8);
	BOTH(how == 0 ? "readv" :
	     how == 1 ? "preadv" :
			"preadv2",
	     1, vector(fd, buf, offset, how, cut, count));
}

static void do_pipe(int slot, off_t size)
{
	int how = (int)rnd(3);
	size_t n = some_size(size);
	off_t at = some_offset(size);
	off_t offset[2] = { at, at };
	int with = (int)rnd(2);

	if (at < 0)
		return;
	BOTH(how == 1 ? "splice" : "sendfile", 1, piped(fd, buf, with ? &offset[i] : NULL, n, how));
	if (offset[0] != offset[1])
		differ("offset", offset[0], offset[1]);
}

static void do_duplicate(int slot)
{
	int to = (int)rnd(PAIRS);
	int how = (int)rnd(4);

	if (pair[to][0] < 0 || to == slot)
		return;
	switch (how) {
	case 0:
		BOTH("dup2", 0, dup2(fd, pair[to][i]) == pair[to][i] ? 0 : -1);
		break;
	case 1:
		BOTH("dup3", 0, dup3(fd, pair[to][i], O_CLOEXEC) == pair[to][i] ? 0 : -1);
		break;
	case 2:
		BOTH("close+dup", 0, (close(pair[to][i]), pair[to][i] = dup(fd)) >= 0 ? 0 : -1);
		break;
	default:
		BOTH("close+F_DUPFD", 0,
		     (close(pair[to][i]), pair[to][i] = fcntl(fd, F_DUPFD_CLOEXEC, 20 + i)) >= 0 ?
			     0 :
			     -1);
	}
}

static void do_close(int slot)
{
	if (rnd(2))
		BOTH("close", 0, close(fd));
	else
		BOTH("close_range", 0, close_range((unsigned)fd, (unsigned)fd, 0));
	BOTH("read closed", 0, read(fd, buf, 10));
	pair[slot][0] = pair[slot][1] = -1;
}

static void do_read(int slot, off_t size)
{
	size_t n = some_size(size);
	off_t offset = some_offset(size);

	switch (rnd(6)) {
	case 0:
		BOTH("pread", 1, pread(fd, buf, n, offset));
		break;
	case 1:
		BOTH("syscall read", 1, syscall(SYS_read, fd, buf, n));
		break;
	case 2:
		BOTH("bad buffer", 0, pread(fd, (void *)8, n, offset));
		break;
	default:
		BOTH("read", 1, read(fd, buf, n));
	}
}

static void do_seek(int slot, off_t size)
{
	static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 77 };
	int whence = whences[rnd(12) < 9 ? rnd(3) : rnd(6)];
	off_t offset = rnd(2) ? some_offset(size) : (off_t)rnd(10000) - 5000;

	BOTH("lseek", 0, lseek(fd, offset, whence));
}

static void do_share(int slot, off_t size)
{
	size_t n = some_size(size);
	int how = (int)rnd(3);

	switch (rnd(40)) {
	case 0:
		BOTH("fork", 0, child_reads(fd, how, n));
		break;
	case 1:
		BOTH("spawn", 0, spawned_reads(fd, how & 1));
		break;
	case 2:
		BOTH("SCM_RIGHTS", 1, passed_reads(fd, buf, n));
		break;
	case 3:
		BOTH("stream", 1, stream_reads(fd, buf, n));
		break;
	default:
		break;
	}
}

static void one_step(off_t size)
{
	int slot = (int)rnd(PAIRS);

	if (pair[slot][0] < 0) {
		int flags = O_RDONLY | (rnd(2) ? O_CLOEXEC : 0) | (rnd(8) ? 0 : O_NONBLOCK);

		BOTH("open", 0, flags_of(slot, i, flags));
		return;
	}
	switch (rnd(16)) {
	case 0:
		do_close(slot);
		break;
	case 1:
		do_duplicate(slot);
		break;
	case 2:
		do_pipe(slot, size);
		break;
	case 3:
		do_share(slot, size);
		break;
	case 4:
	case 5:
		do_vector(slot, size);
		break;
	case 6:
	case 7:
	case 8:
		do_seek(slot, size);
		break;
	default:
		do_read(slot, size);
	}
	/* where are we? asked of the kernel now and then */
	if (!rnd(4) && pair[slot][0] >= 0)
		BOTH("tell", 0, lseek(fd, 0, SEEK_CUR));
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 4 ? strtoul(argv[4], NULL, 0) : 20000;
	struct stat st;

	if (argc < 3 || stat(argv[2], &st))
		return 77;
	path[0] = argv[1];
	path[1] = argv[2];
	seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (int i = 0; i < 2; i++)
		room[i] = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
	memset(pair, -1, sizeof(pair));
	for (step = 0; step < rounds; step++)
		one_step(st.st_size);
	return 0;
}
