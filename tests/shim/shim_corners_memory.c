/* SPDX-License-Identifier: MIT */
/* Corners of memory: what is locked, and what address space is left. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shim_corners.h"

#define IMAGE_MB 256

static long locked_mb(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %ld", &kib);
	if (f)
		fclose(f);
	return kib >> 10;
}

/* The first chunk is cached, and can be read still. */
static int locked(void)
{
	int fd = open_a(0);

	for (int i = 0; i < 3; i++)
		if (pread(fd, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
			return fail("read");
	if (locked_mb() < 1)
		return fail("nothing is locked");
	return locked_mb() >= IMAGE_MB / 2 ? fail("the image is locked") : 0;
}

int lock_before(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE) ? 77 : locked();
}

int lock_after(void)
{
	int fd = open_a(0);

	if (read(fd, buf, BLOCK) != BLOCK)
		return fail("read");
	if (mlockall(MCL_CURRENT))
		return 77;
	sleep(2); /* a storage that failed is tried again */
	return locked();
}

int lock_limited(void)
{
	struct rlimit limit;
	int fd = open_a(0);

	if (read(fd, buf, BLOCK) != BLOCK)
		return fail("read");
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return fail("getrlimit");
	if (limit.rlim_max > (IMAGE_MB / 4) << 20)
		limit.rlim_max = (IMAGE_MB / 4) << 20;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setgid(65534) || setuid(65534))
		return 77;
	if (mlockall(MCL_CURRENT))
		return fail("mlockall");
	return locked();
}

int space(void)
{
	const struct rlimit limit = { (IMAGE_MB + 100) << 20, RLIM_INFINITY };
	void *p;

	if (setrlimit(RLIMIT_AS, &limit) || read(open_a(0), buf, BLOCK) != BLOCK || !is_block(a, 0))
		return fail("read");
	p = mmap(NULL, IMAGE_MB << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		 0);
	return p == MAP_FAILED ? fail("the address space is the cache's") : 0;
}
