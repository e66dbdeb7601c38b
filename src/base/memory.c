/* SPDX-License-Identifier: MIT */
/*
 * Size classes are powers of two from 64 bytes; each class keeps its free blocks in a list that runs
 * through them. Small blocks are cut from slabs of 64 KiB. All classes cut from one slab at a time, so that
 * the blocks of a short program lie in few pages: each first touch of a page costs as much as several
 * system calls. The first slab is static and needs no system call.
 */
#include "base/memory.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/sys.h"

#define CLASS_MIN_SHIFT 6 /* 64 bytes: a line of the processor's caches */
#define CLASS_COUNT 36	  /* up to 2 TiB, more than a program has */
#define SLAB_SIZE 65536u  /* see above */
#define SLAB_ALIGN 4096u  /* a page: larger blocks begin on one */
/*
 * Eight pages are mapped in the time of a third of a page fault where faults are dear (virtual machines without nested
 * page tables: 9.6 and 0.43 us), and of two or three where they are cheap.
 */
#define FEW_BYTES 32768u

struct block {
	struct block *next;
};

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *pool_free[CLASS_COUNT];
/* Not aligned to a page: all variables of the object would be, and lie on one page more. */
first_table char memory_first[SLAB_SIZE];
static char *slab_at = memory_first;
static size_t slab_left = SLAB_SIZE;

void *memory_map(size_t n)
{
	int few = n <= FEW_BYTES ? MAP_POPULATE : 0;
	void *p = sys_mmap(NULL, n, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | few, -1, 0);

	return sys_is_error(p) ? NULL : p;
}

void memory_unmap(void *p, size_t n)
{
	if (p)
		sys_munmap(p, n);
}

at_start void memory_expect(const void *p, size_t n, bool write)
{
	uintptr_t start = round_down((uintptr_t)p, SLAB_ALIGN);
	uintptr_t end = round_up((uintptr_t)p + n, SLAB_ALIGN);

	/* where page 0 is mapped, it is the program's */
	if (!p)
		return;
	sys_madvise((void *)start, end - start, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

char *memory_reserve_aligned(size_t n, size_t align, uint64_t residue)
{
	char *space = sys_reserve(NULL, n + align, 0);
	size_t before;

	if (sys_is_error(space))
		return space;
	before = (residue - (uintptr_t)space) % align;
	if (before)
		sys_munmap(space, before);
	if (before < align)
		sys_munmap(space + before + n, align - before);
	return space + before;
}

bool memory_reserve_at(void *at, size_t n)
{
	char *p = sys_reserve(at, n, MAP_FIXED_NOREPLACE);

	/* kernels before 4.17 take MAP_FIXED_NOREPLACE as a hint */
	if (!sys_is_error(p) && p != at)
		sys_munmap(p, n);
	return p == at;
}

at_start static unsigned int memory_class(size_t n)
{
	unsigned int shift = n > 1 ? log2_floor(n - 1) + 1 : 0;

	return shift <= CLASS_MIN_SHIFT ? 0 : shift - CLASS_MIN_SHIFT;
}

static size_t class_size(unsigned int class)
{
	return (size_t)1 << (class + CLASS_MIN_SHIFT);
}

/* A block is aligned to its size, up to a page. Under the lock. */
at_start static struct block *slab_cut(unsigned int class)
{
	size_t size = class_size(class);
	size_t skip = -(uintptr_t)slab_at % min_u64(size, SLAB_ALIGN);

	if (slab_left < skip + size) {
		char *slab = memory_map(SLAB_SIZE);

		if (!slab)
			return NULL;
		memory_expect(slab, SLAB_SIZE, true); /* all of it soon will be */
		slab_at = slab;
		slab_left = SLAB_SIZE;
		skip = 0;
	}
	slab_at += skip + size;
	slab_left -= skip + size;
	return (struct block *)(slab_at - size);
}

at_start void *memory_get(size_t n)
{
	unsigned int class = memory_class(n);
	struct block *fresh = NULL;
	struct block *block;

	if (class >= CLASS_COUNT)
		return NULL;
	pthread_mutex_lock(&pool_lock);
	block = pool_free[class];
	if (block)
		pool_free[class] = block->next;
	else if (class_size(class) < SLAB_SIZE)
		fresh = slab_cut(class);
	pthread_mutex_unlock(&pool_lock);
	if (!block) /* zeroed pages, not touched yet */
		return class_size(class) < SLAB_SIZE ? fresh : memory_map(class_size(class));
	memset(block, 0, class_size(class) < SLAB_SIZE ? class_size(class) : sizeof(*block));
	return block;
}

at_start void memory_put(void *p, size_t n)
{
	unsigned int class = memory_class(n);
	struct block *block = p;

	if (!p)
		return;
	/* a large block returns its pages and reads as zeros from then on; locked memory cannot do that */
	if (class_size(class) >= SLAB_SIZE && sys_madvise(p, class_size(class), MADV_DONTNEED))
		memset(p, 0, class_size(class));
	pthread_mutex_lock(&pool_lock);
	block->next = pool_free[class];
	pool_free[class] = block;
	pthread_mutex_unlock(&pool_lock);
}

/* The list runs through the words behind the objects. */
static void **same_link(void *p, size_t n)
{
	return (void **)((char *)p + class_size(memory_class(n + sizeof(void *)))) - 1;
}

void *memory_get_same(struct memory_same *same, size_t n)
{
	void *p;

	pthread_mutex_lock(&pool_lock);
	p = same->free;
	if (p)
		same->free = *same_link(p, n);
	pthread_mutex_unlock(&pool_lock);
	return p ? p : memory_get(n + sizeof(void *));
}

void memory_put_same(struct memory_same *same, void *p, size_t n)
{
	pthread_mutex_lock(&pool_lock);
	*same_link(p, n) = same->free;
	same->free = p;
	pthread_mutex_unlock(&pool_lock);
}

void memory_fork_prepare(void)
{
	pthread_mutex_lock(&pool_lock);
}

void memory_fork_release(void)
{
	pthread_mutex_unlock(&pool_lock);
}
