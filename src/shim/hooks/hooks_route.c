/* SPDX-License-Identifier: MIT */
/* syscall(2): calls that other preloaded objects and allocators may make their own functions of. */
#include "shim/libc/symbols.h"

#include <string.h>
#include <sys/syscall.h>

#include "shim/hooks/hooks_route.h"

static bool call_descriptors(long number, const long *a, long *ret)
{
	switch (number) {
	case SYS_close:
		*ret = close((int)a[0]);
		return true;
	case SYS_dup:
		*ret = dup((int)a[0]);
		return true;
#ifdef SYS_dup2
	case SYS_dup2:
		*ret = dup2((int)a[0], (int)a[1]);
		return true;
#endif
	case SYS_dup3:
		*ret = dup3((int)a[0], (int)a[1], (int)a[2]);
		return true;
	case SYS_fcntl:
		*ret = fcntl((int)a[0], (int)a[1], a[2]);
		return true;
	case SYS_ioctl:
		*ret = ioctl((int)a[0], (unsigned long)a[1], a[2]);
		return true;
#ifdef SYS_close_range
	case SYS_close_range:
		*ret = close_range((unsigned int)a[0], (unsigned int)a[1], (int)a[2]);
		return true;
#endif
	default:
		return false;
	}
}

static bool call_maps(long number, const long *a, long *ret)
{
	switch (number) {
#ifdef SYS_mmap
	case SYS_mmap:
		*ret = (long)mmap((void *)a[0], (size_t)a[1], (int)a[2], (int)a[3], (int)a[4],
				  a[5]);
		return true;
#endif
	case SYS_munmap:
		*ret = munmap((void *)a[0], (size_t)a[1]);
		return true;
	case SYS_mprotect:
		*ret = mprotect((void *)a[0], (size_t)a[1], (int)a[2]);
		return true;
	case SYS_pkey_mprotect:
		*ret = pkey_mprotect((void *)a[0], (size_t)a[1], (int)a[2], (int)a[3]);
		return true;
	case SYS_madvise:
		*ret = madvise((void *)a[0], (size_t)a[1], (int)a[2]);
		return true;
	case 462: /* SYS_mseal */
		*ret = mseal((void *)a[0], (size_t)a[1], (unsigned long)a[2]);
		return true;
	case SYS_msync:
		*ret = msync((void *)a[0], (size_t)a[1], (int)a[2]);
		return true;
	case SYS_mremap:
		*ret = (long)mremap((void *)a[0], (size_t)a[1], (size_t)a[2], (int)a[3],
				    (void *)a[4]);
		return true;
	default:
		return false;
	}
}

/*
 * The mmap() or close() of another object may be made of syscall(2), as tcmalloc's are, and stand behind our hook: the
 * call comes here once more. Frame and first arguments tell it from one by a handler, or after a jump.
 */
#define ROUTE_BYTES 65536u /* of stack between the two, at most */

static tls_initial struct {
	uintptr_t frame;
	long number, a[2];
} route;

static bool route_again(long number, const long *a)
{
	return route.number == number && route.a[0] == a[0] && route.a[1] == a[1] &&
	       route.frame - (uintptr_t)a - 1 < ROUTE_BYTES;
}

bool route_syscall(long number, const long *a, long *ret)
{
	bool done;

	if (unlikely(route_again(number, a))) {
		*ret = NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
		return true;
	}
	route.frame = (uintptr_t)a;
	route.number = number;
	memcpy(route.a, a, sizeof(route.a));
	done = call_descriptors(number, a, ret) || call_maps(number, a, ret);
	route.frame = 0;
	return done;
}
