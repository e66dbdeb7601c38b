/* SPDX-License-Identifier: MIT */
/*
 * Mappings. Each step makes one, does a few things to it, and takes it away; what it shows is read
 * by the kernel, which tells of pages that cannot be read. Where an address is wanted, it lies in
 * an arena of the side's own, so that both have the same neighbours.
 */
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LONGEST (96 * PAGE) /* the file, and more */
#define ARENA (1024 * PAGE)
#define AT (256 * PAGE) /* in the arena: where mappings are made, */
#define TO (640 * PAGE) /* and where they are moved to */

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define OPERATIONS 3
#define FIXED ((long)(MAP_FIXED | MAP_FIXED_NOREPLACE))

enum operation { OP_PROTECT, OP_ADVISE, OP_SYNC, OP_LOCK, OP_UNMAP, OP_REMAP, OPS };

/* What is done to the part [at, at + n) of a mapping. */
static struct {
	enum operation op;
	size_t at, n, to;
	int how, flags;
} todo[OPERATIONS];

static char *arenas[2];

static void draw_operation(int i)
{
	static const long prots[] = {
		PROT_NONE,     PROT_READ, PROT_READ, PROT_READ | PROT_WRITE, PROT_EXEC | PROT_READ,
		PROT_READ | 8, -1
	};
	/* not those that take memory out of use, or depend on what is in the page cache */
	static const long advice[] = { 0,  1,  2,  3,  4,  4,  4,  8,  10, 11, 12, 13,
				       14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 77, -1 };
	static const long syncs[] = { MS_ASYNC, MS_SYNC, MS_INVALIDATE, 0, 5, 8, -1 };
	static const long remaps[] = { 0,
				       MREMAP_MAYMOVE,
				       MREMAP_MAYMOVE,
				       3,
				       3,
				       MREMAP_FIXED,
				       MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
				       7,
				       MREMAP_DONTUNMAP,
				       8,
				       MREMAP_MAYMOVE | 8,
				       -1 };

	todo[i].op = (enum operation)draw(OPS);
	todo[i].at = draw(3) ? 0 : draw(LONGEST / PAGE) * PAGE + (draw(20) ? 0 : 100);
	todo[i].n = draw(3) ? draw(LONGEST) : draw(2) ? SIZE_MAX : draw_count();
	todo[i].to = draw(3) ? draw(LONGEST) : draw(2) ? SIZE_MAX : draw_count();
	todo[i].how = (int)(todo[i].op == OP_PROTECT ? DRAW_OF(prots) :
			    todo[i].op == OP_ADVISE  ? DRAW_OF(advice) :
			    todo[i].op == OP_SYNC    ? DRAW_OF(syncs) :
						       (long)draw(4));
	todo[i].flags = (int)DRAW_OF(remaps);
}

static void draw_mmap(void)
{
	static const long flags[] = { MAP_PRIVATE,
				      MAP_PRIVATE,
				      MAP_SHARED,
				      MAP_SHARED,
				      MAP_PRIVATE | MAP_POPULATE,
				      MAP_SHARED | MAP_NORESERVE,
				      MAP_SHARED_VALIDATE,
				      MAP_SHARED_VALIDATE | MAP_SYNC,
				      MAP_SHARED_VALIDATE | 0x10000000,
				      MAP_PRIVATE | MAP_FIXED_NOREPLACE,
				      MAP_PRIVATE | MAP_DENYWRITE,
				      MAP_PRIVATE | MAP_HUGETLB,
				      MAP_PRIVATE | 0x10000000,
				      0,
				      MAP_PRIVATE | MAP_SHARED };
	static const long prots[] = { PROT_READ,
				      PROT_READ,
				      PROT_READ,
				      PROT_READ,
				      PROT_READ | PROT_WRITE,
				      PROT_NONE,
				      PROT_WRITE,
				      PROT_READ | PROT_EXEC,
				      8,
				      -1 };

	a.flags = DRAW_OF(flags) | (draw(2) ? MAP_FIXED : 0);
	a.how = DRAW_OF(prots);
	a.n = draw(10) ? draw(LONGEST) : draw_count();
	a.at[0] = draw(3) ? (off_t)(draw(80) * PAGE) : draw_offset();
	a.in = draw(2) ? SLOT_READER : (enum slot)draw(SLOT_TARGET);
	/* the file stays what it is: nothing is written through a mapping */
	a.count = (int)draw(OPERATIONS + 1);
	for (int i = 0; i < OPERATIONS; i++) {
		size_t n = strlen(detail);

		draw_operation(i);
		snprintf(detail + n, sizeof(detail) - n,
			 "[op %d at %zu n %zu to %zu how %d flags %d]", todo[i].op, todo[i].at,
			 todo[i].n, todo[i].to, todo[i].how, todo[i].flags);
	}
}

/* Nothing in it but what cannot be touched. */
static char *arena_of(const struct side *s)
{
	char **arena = &arenas[s - sides];
	char *p = mmap(*arena, ARENA, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (*arena ? MAP_FIXED : 0), -1,
		       0);

	*arena = p == MAP_FAILED ? *arena : p;
	errno = 0;
	return *arena;
}

/* How many bytes an operation is about: SIZE_MAX stands for the rest of the mapping. */
static size_t length_of(const struct map *map, size_t at, size_t n)
{
	return n == SIZE_MAX || (n < 2 * ROOM && n > map->n - at) ? map->n - at : n;
}

static long remap(struct side *s, struct map *map, int i, size_t at, size_t n)
{
	size_t to = todo[i].to == SIZE_MAX || todo[i].flags & MREMAP_DONTUNMAP ? n : todo[i].to;
	bool whole = !at && n == map->n;
	char *p;

	/*
	 * what lies behind it decides whether it grows in place, and a part is not to lose its rest
	 */
	if (to > n && (!whole || to > 2 * ROOM || !(todo[i].flags & MREMAP_MAYMOVE)))
		to = n;
	p = mremap(map->at + at, n, to, todo[i].flags, arenas[s - sides] + TO);
	if (p == MAP_FAILED)
		return -1;
	*map = (struct map){ p, (to + PAGE - 1) & ~(PAGE - 1) };
	return 0;
}

/* The place is kept: what helper threads map shall not come to lie there. */
static long unmap(char *at, size_t n)
{
	long ret = munmap(at, n);

	if (!ret)
		mmap(at, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		     0);
	return ret;
}

static long operate(struct side *s, struct map *map, int i)
{
	size_t at = todo[i].at < map->n ? todo[i].at : 0;
	size_t n = length_of(map, at, todo[i].n);
	char *p = map->at + at;

	/* so much memory of others */
	if (n > 2 * ROOM && n < SIZE_MAX - ROOM)
		return 0;
	switch (todo[i].op) {
	case OP_PROTECT:
		return mprotect(p, n, todo[i].how);
	case OP_ADVISE:
		return madvise(p, n, todo[i].how);
	case OP_SYNC:
		return msync(p, n, todo[i].how);
	case OP_LOCK:
		return todo[i].how & 1 ? munlock(p, n) : mlock2(p, n, todo[i].how & 2);
	case OP_UNMAP:
		return n > 2 * ROOM ? 0 : unmap(p, n);
	default:
		return n > 2 * ROOM ? 0 : remap(s, map, i, at, n);
	}
}

/* Whether it can be read, and its first bytes, page for page, into the room. */
static void map_read(struct side *s, const struct map *map)
{
	char *to = s->room;

	for (size_t at = 0; at < map->n && at < LONGEST; at += PAGE, to += 65) {
		struct iovec local = { to + 1, 64 };
		struct iovec remote = { map->at + at, 64 };

		*to = (char)process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	}
}

/* The results of all that was done, in one number. */
static long call_mmap(struct side *s)
{
	char *arena = arena_of(s);
	char *at = a.flags & MAP_FIXED ? arena + AT : NULL;
	struct map map;
	long all = 0;
	int err = 0;

	map.n = (a.n + PAGE - 1) & ~(PAGE - 1);
	if (at && map.n > LONGEST)
		return 0;
	map.at = mmap(at, a.n, (int)a.how, (int)(at ? a.flags : a.flags & ~FIXED), s->fd[a.in],
		      a.at[0]);
	if (map.at == MAP_FAILED)
		return -1;
	for (int i = 0; i < a.count && !all; i++) {
		all = operate(s, &map, i) ? -(i + 1) : 0;
		err = all ? errno : 0;
	}
	map_read(s, &map);
	/* what lies in the arena goes with it, and leaves no hole for others */
	if (map.at < arena || map.at >= arena + ARENA)
		munmap(map.at, map.n);
	arena_of(s);
	errno = err;
	return all;
}

const struct kind kinds_map[] = {
	{ "mappings", draw_mmap, call_mmap, 14 },
	{ 0 },
};
