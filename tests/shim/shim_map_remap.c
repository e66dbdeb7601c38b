/* SPDX-License-Identifier: MIT */
/* mremap() and mprotect() of mappings of a cached file answer as they do for the copy. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_map.h"

/* --- as the kernel does it */

#define MIB ((size_t)1 << 20)
#define SYS_MSEAL 462 /* since Linux 6.10 */

static long answer(const void *p)
{
	return p == MAP_FAILED ? -errno : 0;
}

static char *room_get(size_t n)
{
	return map(-1, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

/* The file's bytes up to its end, and SIGBUS behind it. */
static bool whole_at(char *p, size_t n)
{
	return !memcmp(p, want, n < size ? n : size) && (n < size + 4096 || raises_bus(p + n - 1));
}

static long grown_beyond(int fd, int type)
{
	char *p = map(fd, 4 * MIB, PROT_READ, type, 0);
	char *room;
	long a;

	p = mremap(p, 4 * MIB, 8 * MIB, MREMAP_MAYMOVE);
	a = answer(p);
	if (a)
		return a;
	room = room_get(8 * MIB);
	a = whole_at(p, 8 * MIB) ?
		    answer(mremap(p, 8 * MIB, 8 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, room)) :
		    1;
	if (!a && !whole_at(room, 8 * MIB))
		a = 2;
	munmap(room, 8 * MIB);
	return a;
}

static long doubled(int fd, int type, int flags)
{
	char *p = map(fd, 2 * MIB, PROT_READ, type, 0);
	char *room = room_get(MIB);
	char *q = mremap(p, 0, MIB, flags, room);
	long a = answer(q);

	if (!a &&
	    (!whole_at(p, 2 * MIB) || !whole_at(q, MIB) || (flags & MREMAP_FIXED && q != room)))
		a = 1;
	if (!a &&
	    (munmap(p, 2 * MIB) || !whole_at(q, MIB) || !mprotect(q, 4096, PROT_READ | PROT_WRITE)))
		a = 2;
	return a;
}

static long made_writable(int fd, int type, size_t at)
{
	char *p = map(fd, size, PROT_READ, type, 0);
	long a = mprotect(p + at, 8192, PROT_READ | PROT_WRITE) ? -errno : 0;

	munmap(p, size);
	return a;
}

/* What grows is protected as the rest is by then. */
static long protected_and_grown(int fd, int prot)
{
	char *p = map(fd, 65536, PROT_READ, MAP_PRIVATE, 0);
	long a = mprotect(p, 65536, prot) ? -errno : 0;

	p = a ? p : mremap(p, 65536, MIB, MREMAP_MAYMOVE);
	a = a ? a : answer(p);
	if (!a && prot & PROT_WRITE)
		p[MIB - 1]++;
	if (!a && !(prot & PROT_WRITE) && read(open("/dev/zero", O_RDONLY), p + MIB - 1, 1) != -1)
		a = 1;
	return a;
}

/* All of it but a page is where it was, or where it should go. */
static bool around_at(const char *p)
{
	return !memcmp(p, want, MIB) &&
	       !memcmp(p + MIB + 8192, want + MIB + 8192, size - MIB - 8192);
}

/* Not one mapping: kernels before 6.17 refuse to move that, and all of them to grow it. */
static long of_two(int fd, int flags)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	char *room = room_get(4 * MIB);
	long a;

	if (mmap(p + MIB, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED ||
	    mmap(p + MIB + 4096, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
		return 1;
	a = answer(mremap(p, size, size, flags, room));
	return around_at(a ? p : room) ? a : 1;
}

static long of_a_hole(int fd, int flags)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	char *room = room_get(4 * MIB);
	long a;

	munmap(p + MIB, 8192);
	a = answer(mremap(p, size, flags & MREMAP_FIXED ? size : 4 * MIB, flags, room));
	return around_at(a ? p : room) ? a : 1;
}

/* What cannot be moved as a whole stays as a whole. */
static void not_moved(int fd)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	char *room = room_get(4 * MIB);
	bool sealed = mmap(p + MIB, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) != MAP_FAILED &&
		      !syscall(SYS_MSEAL, p + MIB, 8192, 0);

	if (!sealed)
		printf("# mseal(): %s\n", strerror(errno));
	ok(!sealed || (mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, room) == MAP_FAILED &&
		       errno == EPERM && around_at(p)),
	   "what cannot be moved is not torn");
}

static long of_offsets(int fd)
{
	char *p = room_get(4 * MIB);

	if (mmap(p, MIB, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(p + MIB, MIB, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		return 1;
	return answer(mremap(p, 2 * MIB, 4 * MIB, MREMAP_MAYMOVE));
}

#define as_the_kernel(call) \
	do { \
		long here_, there_; \
		int on = fd; \
\
		here_ = (call); \
		on = copy; \
		there_ = (call); \
		if (here_ != there_) \
			printf("# %ld, not %ld\n", here_, there_); \
		ok(here_ == there_ && here_ <= 0, #call); \
	} while (0)

void semantics(int fd, int copy)
{
	const int move = MREMAP_MAYMOVE;
	const int fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

	as_the_kernel(grown_beyond(on, MAP_SHARED));
	as_the_kernel(grown_beyond(on, MAP_PRIVATE));
	as_the_kernel(doubled(on, MAP_SHARED, move));
	as_the_kernel(doubled(on, MAP_SHARED, fixed));
	as_the_kernel(doubled(on, MAP_SHARED, 0));
	as_the_kernel(doubled(on, MAP_PRIVATE, move));
	as_the_kernel(made_writable(on, MAP_SHARED, 0));
	as_the_kernel(made_writable(on, MAP_SHARED, 4096 * 300));
	as_the_kernel(made_writable(on, MAP_PRIVATE, 4096));
	as_the_kernel(protected_and_grown(on, PROT_READ | PROT_WRITE));
	as_the_kernel(protected_and_grown(on, PROT_READ));
	as_the_kernel(protected_and_grown(on, PROT_READ | PROT_EXEC));
	as_the_kernel(of_two(on, fixed));
	as_the_kernel(of_a_hole(on, fixed));
	as_the_kernel(of_a_hole(on, move));
	as_the_kernel(of_offsets(on));
	not_moved(fd);
}

/* --- a number that is now the file's, now another's */

static struct turns {
	int number, file, other;
	bool over;
} turns;

static void *numbers_turn(void *arg)
{
	while (!__atomic_load_n(&turns.over, __ATOMIC_RELAXED)) {
		dup2(turns.file, turns.number);
		dup2(turns.other, turns.number);
	}
	return arg;
}

void turning(const char *file, int copy)
{
	int number = dup(copy); /* the lowest: found first */
	pthread_t thread;
	int wrong = 0;

	turns = (struct turns){ number, open(file, O_RDONLY), memfd_create("other", 0), false };
	if (turns.other < 0 || ftruncate(turns.other, (off_t)size) ||
	    pthread_create(&thread, NULL, numbers_turn, NULL))
		exit(1);
	for (int i = 0; i < 10000; i++) {
		char *p = map(turns.file, 65536, PROT_READ, MAP_PRIVATE, 0);
		char *q = mremap(p, 65536, 131072, MREMAP_MAYMOVE);

		if (q != MAP_FAILED)
			wrong += memcmp(q, want, 131072) != 0;
		munmap(q != MAP_FAILED ? q : p, q != MAP_FAILED ? 131072 : 65536);
	}
	__atomic_store_n(&turns.over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	if (wrong)
		printf("# %d times another file's bytes\n", wrong);
	ok(!wrong, "grown by the file's bytes while its number becomes another's");
}
