/* SPDX-License-Identifier: MIT */
/*
 * System calls for our own use. The preload object exports read(), open(), syscall() and others, so base
 * and core must not call them: they would come back to us. These wrappers enter the kernel directly and
 * return a count or -errno; they do not change errno and are no cancellation points.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>

#include "base/compiler.h"

#if defined(__x86_64__)
static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
}
#else
#error "rawcache knows the system call instruction of x86_64 and aarch64 only"
#endif

/* tests/outside.h has another one */
#ifndef SYS_CALL
#define SYS_CALL(nr, a, b, c, d, e, f) \
	sys_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#endif

static inline int sys_openat(int dir, const char *path, int flags, unsigned int mode)
{
	return (int)SYS_CALL(__NR_openat, dir, path, flags, mode, 0, 0);
}

static inline int sys_close(int fd)
{
	return (int)SYS_CALL(__NR_close, fd, 0, 0, 0, 0, 0);
}

static inline ssize_t sys_read(int fd, void *buf, size_t n)
{
	return SYS_CALL(__NR_read, fd, buf, n, 0, 0, 0);
}

static inline ssize_t sys_write(int fd, const void *buf, size_t n)
{
	return SYS_CALL(__NR_write, fd, buf, n, 0, 0, 0);
}

static inline ssize_t sys_pread(int fd, void *buf, size_t n, uint64_t offset)
{
	return SYS_CALL(__NR_pread64, fd, buf, n, offset, 0, 0);
}

static inline ssize_t sys_pwrite(int fd, const void *buf, size_t n, uint64_t offset)
{
	return SYS_CALL(__NR_pwrite64, fd, buf, n, offset, 0, 0);
}

struct iovec;

static inline ssize_t sys_preadv(int fd, const struct iovec *iov, int count, uint64_t offset)
{
	return SYS_CALL(__NR_preadv, fd, iov, count, offset, 0, 0);
}

static inline ssize_t sys_sendfile(int out, int in, uint64_t *offset, size_t n)
{
	return SYS_CALL(__NR_sendfile, out, in, offset, n, 0, 0);
}

static inline ssize_t sys_splice(int in, uint64_t *in_offset, int out, uint64_t *out_offset,
				 size_t n, unsigned int flags)
{
	return SYS_CALL(__NR_splice, in, in_offset, out, out_offset, n, flags);
}

static inline int64_t sys_lseek(int fd, int64_t offset, int whence)
{
	return SYS_CALL(__NR_lseek, fd, offset, whence, 0, 0, 0);
}

static inline int sys_statx(int dir, const char *path, int flags, unsigned int mask,
			    struct statx *stx)
{
	return (int)SYS_CALL(__NR_statx, dir, path, flags, mask, stx, 0);
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22  /* since Linux 5.14, in glibc's headers since 2.35 */
#define MADV_POPULATE_WRITE 23 /* the same */
#endif
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U /* since Linux 6.8; older ones ignore it */
#endif
#ifndef STATX_SUBVOL
#define STATX_SUBVOL 0x00008000U /* since Linux 6.10 */
#endif

/*
 * The attributes that tell one state of a file from another. Access time and blocks are left out: they are
 * out of date after each read, and network file systems would ask the server again.
 */
#define STATX_IDENTITY \
	(STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_GID | STATX_MTIME | \
	 STATX_CTIME | STATX_INO | STATX_SIZE)

/*
 * These attributes of an open file, with the id of its mount: one that is never used again or, where the
 * kernel has none, the id of mountinfo (stx_mask tells which).
 */
static inline int sys_fstatx_by(int fd, int flags, struct statx *stx)
{
	return sys_statx(fd, "", AT_EMPTY_PATH | flags,
			 STATX_IDENTITY | STATX_MNT_ID | STATX_MNT_ID_UNIQUE | STATX_SUBVOL, stx);
}

/* A file's time in ns since 1970; 0 for one before that. */
static inline uint64_t sys_timestamp_ns(const struct statx_timestamp *t)
{
	return t->tv_sec < 0 ? 0 : (uint64_t)t->tv_sec * 1000000000u + t->tv_nsec;
}

static inline bool sys_timestamp_same(const struct statx_timestamp *a,
				      const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static inline int sys_fstatx(int fd, struct statx *stx)
{
	return sys_fstatx_by(fd, AT_STATX_SYNC_AS_STAT, stx);
}

/* The same as the server has them now, not as the kernel remembers them. */
static inline int sys_fstatx_sync(int fd, struct statx *stx)
{
	return sys_fstatx_by(fd, AT_STATX_FORCE_SYNC, stx);
}

/* Returns the address or a negative errno value: compare with sys_is_error(). */
static inline void *sys_mmap(void *addr, size_t n, int prot, int flags, int fd, uint64_t offset)
{
	return (void *)SYS_CALL(__NR_mmap, addr, n, prot, flags, fd, offset);
}

static inline int sys_is_error(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)-4095;
}

static inline int sys_munmap(void *addr, size_t n)
{
	return (int)SYS_CALL(__NR_munmap, addr, n, 0, 0, 0, 0);
}

static inline int sys_madvise(void *addr, size_t n, int advice)
{
	return (int)SYS_CALL(__NR_madvise, addr, n, advice, 0, 0, 0);
}

static inline int sys_fcntl(int fd, int cmd, uintptr_t arg)
{
	return (int)SYS_CALL(__NR_fcntl, fd, cmd, arg, 0, 0, 0);
}

static inline int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t n)
{
	return (int)SYS_CALL(__NR_fallocate, fd, mode, offset, n, 0, 0);
}

static inline int sys_ftruncate(int fd, uint64_t n)
{
	return (int)SYS_CALL(__NR_ftruncate, fd, n, 0, 0, 0, 0);
}

static inline int sys_fdatasync(int fd)
{
	return (int)SYS_CALL(__NR_fdatasync, fd, 0, 0, 0, 0, 0);
}

static inline int sys_msync(void *addr, size_t n, int flags)
{
	return (int)SYS_CALL(__NR_msync, addr, n, flags, 0, 0, 0);
}

static inline int sys_fadvise(int fd, uint64_t offset, uint64_t n, int advice)
{
	return (int)SYS_CALL(__NR_fadvise64, fd, offset, n, advice, 0, 0);
}

static inline ssize_t sys_readlinkat(int dir, const char *path, char *buf, size_t n)
{
	return SYS_CALL(__NR_readlinkat, dir, path, buf, n, 0, 0);
}

static inline int sys_unlinkat(int dir, const char *path, int flags)
{
	return (int)SYS_CALL(__NR_unlinkat, dir, path, flags, 0, 0, 0);
}

static inline int sys_mkdirat(int dir, const char *path, unsigned int mode)
{
	return (int)SYS_CALL(__NR_mkdirat, dir, path, mode, 0, 0, 0);
}

/* UINT32_MAX: do not change it */
static inline int sys_fchown(int fd, uint32_t user, uint32_t group)
{
	return (int)SYS_CALL(__NR_fchown, fd, user, group, 0, 0, 0);
}

static inline int sys_fchmod(int fd, unsigned int mode)
{
	return (int)SYS_CALL(__NR_fchmod, fd, mode, 0, 0, 0, 0);
}

static inline int sys_renameat2(const char *from, const char *to, unsigned int flags)
{
	return (int)SYS_CALL(__NR_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags, 0);
}

static inline int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return (int)SYS_CALL(__NR_ioctl, fd, request, arg, 0, 0, 0);
}

static inline ssize_t sys_getdents(int fd, void *buf, size_t n)
{
	return SYS_CALL(__NR_getdents64, fd, buf, n, 0, 0, 0);
}

static inline int sys_fstatfs(int fd, void *statfs)
{
	return (int)SYS_CALL(__NR_fstatfs, fd, statfs, 0, 0, 0, 0);
}

static inline int sys_getpid(void)
{
	return (int)SYS_CALL(__NR_getpid, 0, 0, 0, 0, 0, 0);
}

/* Page faults of the thread for which the kernel had to read; 0 where it does not tell. */
static inline long sys_major_faults(void)
{
	struct rusage usage;

	return SYS_CALL(__NR_getrusage, RUSAGE_THREAD, &usage, 0, 0, 0, 0) ? 0 : usage.ru_majflt;
}

static inline unsigned int sys_geteuid(void)
{
	return (unsigned int)SYS_CALL(__NR_geteuid, 0, 0, 0, 0, 0, 0);
}

static inline ssize_t sys_getrandom(void *buf, size_t n)
{
	return SYS_CALL(__NR_getrandom, buf, n, 0, 0, 0, 0);
}

static inline int sys_futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
#ifdef ENABLE_STEPS
	if (timeout) {
		step_sleep();
		return -ETIMEDOUT;
	}
#endif
	return (int)SYS_CALL(__NR_futex, word, op, value, timeout, 0, 0);
}

static inline int sys_nanosleep(const struct timespec *t)
{
#ifdef ENABLE_STEPS
	step_sleep();
	return (void)t, 0;
#endif
	return (int)SYS_CALL(__NR_clock_nanosleep, CLOCK_MONOTONIC, 0, t, 0, 0, 0);
}

static inline int sys_sigpending(uint64_t *set)
{
	return (int)SYS_CALL(__NR_rt_sigpending, set, sizeof(*set), 0, 0, 0, 0);
}

static inline int sys_getsockopt(int fd, int level, int name, void *value, unsigned int *n)
{
	return (int)SYS_CALL(__NR_getsockopt, fd, level, name, value, n, 0);
}

static inline int sys_sigprocmask(int how, const uint64_t *set, uint64_t *old)
{
	return (int)SYS_CALL(__NR_rt_sigprocmask, how, set, old, sizeof(uint64_t), 0, 0);
}

static inline uint64_t sys_device(const struct statx *stx)
{
	return (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor;
}

/* The subvolume (btrfs, bcachefs) of the file; 0: it has none, or the kernel does not tell. */
static inline uint64_t sys_subvolume(const struct statx *stx)
{
	uint64_t subvolume = 0;

	/* older headers have no name for it */
	if (stx->stx_mask & STATX_SUBVOL)
		memcpy(&subvolume, (const char *)stx + 0xa0, sizeof(subvolume));
	return subvolume;
}

/* Whether the descriptor refers to that file now. */
static inline int sys_fd_is(int fd, uint64_t device, uint64_t inode)
{
	struct statx stx;

	return !sys_fstatx(fd, &stx) && stx.stx_ino == inode && sys_device(&stx) == device;
}

/*
 * Whether the file is this user's. In a user namespace all owners without an id there look alike, and so does a
 * user without one. Only the owner, or a user with the owner's rights, may set O_NOATIME.
 */
static inline bool sys_fd_is_ours(int fd, const struct statx *stx)
{
	int flags = stx->stx_uid == sys_geteuid() ? sys_fcntl(fd, F_GETFL, 0) : -1;

	return flags >= 0 && sys_fcntl(fd, F_SETFL, (uintptr_t)(flags | O_NOATIME)) >= 0;
}

/* Reserve address space without access; `at` and `fixed` as for mmap(). */
static inline char *sys_reserve(void *at, size_t n, int fixed)
{
	return sys_mmap(at, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1,
			0);
}

/* How many bytes of address space the process may have; UINT64_MAX: no limit. */
static inline uint64_t sys_space_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX :
										 limit.rlim_cur;
}

/* Whether a file may grow to `end` bytes: beyond RLIMIT_FSIZE the kernel kills with SIGXFSZ. */
static inline int sys_file_size_allowed(uint64_t end)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur == RLIM_INFINITY ||
	       end <= limit.rlim_cur;
}

static inline int sys_sync_file_range(int fd, uint64_t offset, uint64_t n, unsigned int flags)
{
	return (int)SYS_CALL(__NR_sync_file_range, fd, offset, n, flags, 0, 0);
}

#endif
