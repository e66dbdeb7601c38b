/* SPDX-License-Identifier: MIT */
/*
 * System calls for which a program may be killed. systemd's SystemCallFilter=@system-service contains
 * neither mincore() nor pidfd_getfd(), and in some versions no pidfd_open(); and a filter may have been
 * installed before exec, or in a way that no hook sees. So each function here first asks whether there is a
 * filter, which takes some 60 ns, and returns -ENOSYS if there is: its callers have another way, or do
 * without. All other system calls that we make are in that set.
 */
#ifndef BASE_UNUSUAL_H
#define BASE_UNUSUAL_H

#include <linux/openat2.h>
#include <stdbool.h>
#include <sys/prctl.h>

#include "base/sys.h"

static inline bool unusual_forbidden(void)
{
	return SYS_CALL(__NR_prctl, PR_GET_SECCOMP, 0, 0, 0, 0, 0) > 0;
}

/*
 * Whether we run under valgrind, which prints a line about each system call that it does not know. The
 * sequence by which it is asked does nothing elsewhere: rotations by 128 bits in all.
 */
static inline bool unusual_valgrind(void)
{
	volatile unsigned long request[6] = { 0x1001 }; /* VG_USERREQ__RUNNING_ON_VALGRIND */
	unsigned long result = 0;

#if defined(__x86_64__)
	__asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n\t"
			 "xchgq %%rbx, %%rbx"
			 : "+d"(result)
			 : "a"(&request[0])
			 : "cc", "memory");
#else
	register unsigned long x3 __asm__("x3") = result;
	register volatile unsigned long *x4 __asm__("x4") = &request[0];

	__asm__ volatile(
		"ror x12, x12, #3; ror x12, x12, #13; ror x12, x12, #51; ror x12, x12, #61\n\t"
		"orr x10, x10, x10"
		: "+r"(x3)
		: "r"(x4)
		: "cc", "memory");
	result = x3;
#endif
	return result;
}

/* Which pages of [addr, addr + n) are in memory. */
static inline int unusual_mincore(const void *addr, size_t n, unsigned char *in_core)
{
	return unusual_forbidden() ? -ENOSYS :
				     (int)SYS_CALL(__NR_mincore, addr, n, in_core, 0, 0, 0);
}

/* Whether all of [addr, addr + n) is in memory; false where that must not be asked. */
static inline bool unusual_in_core(const char *addr, size_t n)
{
	enum { PAGE_BYTES = 4096 };
	unsigned char in_core[64];

	for (size_t at = 0, part; at < n; at += part) {
		part = n - at < sizeof(in_core) * PAGE_BYTES ? n - at :
							       sizeof(in_core) * PAGE_BYTES;
		if (unusual_mincore(addr + at, part, in_core))
			return false;
		for (size_t i = 0; i * PAGE_BYTES < part; i++)
			if (!(in_core[i] & 1))
				return false;
	}
	return true;
}

/* Open what the kernel remembers: -EAGAIN if it would have to ask the file system. */
static inline int unusual_open_cached(int dir, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags, .resolve = RESOLVE_CACHED };

	return unusual_forbidden() ?
		       -ENOSYS :
		       (int)SYS_CALL(__NR_openat2, dir, path, &how, sizeof(how), 0, 0);
}

/* A descriptor of our own process. */
static inline int unusual_pidfd_open(void)
{
	return unusual_forbidden() || unusual_valgrind() ?
		       -ENOSYS :
		       (int)SYS_CALL(__NR_pidfd_open, sys_getpid(), 0, 0, 0, 0, 0);
}

static inline int unusual_pidfd_getfd(int pidfd, int fd)
{
	return unusual_forbidden() ? -ENOSYS :
				     (int)SYS_CALL(__NR_pidfd_getfd, pidfd, fd, 0, 0, 0, 0);
}

#endif
