/* SPDX-License-Identifier: MIT */
/* syscall(2): calls that have a hook by name take its path. Return values and errno are the same in both. */
#include "shim/libc/symbols.h"

#include <stdarg.h>
#include <sys/syscall.h>

#include <linux/seccomp.h>

#include "base/guard.h"
#include "base/sys.h"

#include "shim/files/fd.h"
#include "shim/files/look.h"
#include "shim/hooks/hooks_change.h"
#include "shim/hooks/hooks_newfd.h"
#include "shim/hooks/hooks_open.h"
#include "shim/hooks/hooks_ring.h"
#include "shim/hooks/hooks_route.h"
#include "shim/hooks/hooks_signal.h"
#include "shim/table/process.h"
#include "shim/table/rights.h"
#include "shim/files/track.h"
#include "shim/table/news.h"

struct call {
	long number;
	long a[6];
};

static long call_next(const struct call *c)
{
	return NEXT(syscall)(c->number, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4], c->a[5]);
}

/* Without CLONE_VM it is a fork; with it, the call cannot return here on the same stack. */
static long call_fork(const struct call *c)
{
	long pid;

	process_fork_prepare();
	pid = call_next(c);
	if (pid)
		process_fork_parent();
	else
		process_fork_child();
	return pid;
}

static long call_clone(const struct call *c, unsigned long flags)
{
	if (process_clone_confuses(flags))
		process_retire();
	return flags & CLONE_VM ? call_next(c) : call_fork(c);
}

#ifdef SYS_clone3
/*
 * Copy a word of the program's before a handler catches faults. 0 or -EFAULT: rt_sigprocmask(2) reads the word before
 * it refuses an unknown command, and no filter forbids it.
 */
static int word_copy_early(uint64_t *to, const uint64_t *from)
{
	const int unknown = -1;

	if (SYS_CALL(__NR_rt_sigprocmask, unknown, from, NULL, sizeof(*from), 0, 0) == -EFAULT ||
	    !from)
		return -EFAULT;
	*to = *from;
	return 0;
}

static long call_clone3(const struct call *c)
{
	uint64_t flags;

	/* a call that is refused makes no process; before the cache is attached no handler catches a fault */
	if (attach_cache_now() ? guard_copy(&flags, (const void *)c->a[0], sizeof(flags)) :
				 word_copy_early(&flags, (const uint64_t *)c->a[0]))
		return call_next(c);
	return call_clone(c, flags);
}
#endif

static bool call_reads(const struct call *c, long *ret)
{
	const long *a = c->a;

	switch (c->number) {
	case SYS_read:
		*ret = read((int)a[0], (void *)a[1], (size_t)a[2]);
		return true;
	case SYS_pread64:
		*ret = pread((int)a[0], (void *)a[1], (size_t)a[2], a[3]);
		return true;
	case SYS_readv:
		*ret = readv((int)a[0], (void *)a[1], (int)a[2]);
		return true;
	case SYS_preadv:
		*ret = preadv((int)a[0], (void *)a[1], (int)a[2], a[3]);
		return true;
	case SYS_preadv2:
		*ret = preadv2((int)a[0], (void *)a[1], (int)a[2], a[3], (int)a[5]);
		return true;
	case SYS_lseek:
		*ret = lseek((int)a[0], a[1], (int)a[2]);
		return true;
	default:
		return false;
	}
}

static bool call_writes(const struct call *c, long *ret)
{
	const long *a = c->a;

	switch (c->number) {
	case SYS_write:
		*ret = write((int)a[0], (const void *)a[1], (size_t)a[2]);
		return true;
	case SYS_pwrite64:
		*ret = pwrite((int)a[0], (const void *)a[1], (size_t)a[2], a[3]);
		return true;
	case SYS_writev:
		*ret = writev((int)a[0], (const void *)a[1], (int)a[2]);
		return true;
	case SYS_pwritev:
		*ret = pwritev((int)a[0], (const void *)a[1], (int)a[2], a[3]);
		return true;
	case SYS_pwritev2:
		*ret = pwritev2((int)a[0], (const void *)a[1], (int)a[2], a[3], (int)a[5]);
		return true;
	case SYS_ftruncate:
		*ret = ftruncate((int)a[0], a[1]);
		return true;
	case SYS_truncate:
		*ret = truncate((const char *)a[0], a[1]);
		return true;
	case SYS_fallocate:
		*ret = fallocate((int)a[0], (int)a[1], a[2], a[3]);
		return true;
	default:
		return false;
	}
}

static int call_statx(const long *a)
{
	return statx((int)a[0], (const char *)a[1], (int)a[2], (unsigned int)a[3],
		     (struct statx *)a[4]);
}

/*
 * Calls that return a file's attributes, or are a reason to look at them: the kernel's struct stat is
 * libc's.
 */
static bool call_looks(const struct call *c, long *ret)
{
	const long *a = c->a;

	switch (c->number) {
	case SYS_fstat:
		*ret = fstat((int)a[0], (struct stat *)a[1]);
		return true;
#ifdef SYS_stat
	case SYS_stat:
		*ret = stat((const char *)a[0], (struct stat *)a[1]);
		return true;
	case SYS_lstat:
		*ret = lstat((const char *)a[0], (struct stat *)a[1]);
		return true;
#endif
	case SYS_newfstatat:
		*ret = fstatat((int)a[0], (const char *)a[1], (struct stat *)a[2], (int)a[3]);
		return true;
	case SYS_statx:
		*ret = call_statx(a);
		return true;
	case SYS_flock:
		*ret = flock((int)a[0], (int)a[1]);
		return true;
	case SYS_fsync:
		*ret = fsync((int)a[0]);
		return true;
	case SYS_fdatasync:
		*ret = fdatasync((int)a[0]);
		return true;
	case SYS_fadvise64:
		*ret = call_next(c);
		if (!*ret && a[3] == POSIX_FADV_DONTNEED)
			look_again((int)a[0], false);
		return true;
	default:
		return false;
	}
}

static bool call_transfers(const struct call *c, long *ret)
{
	const long *a = c->a;

	switch (c->number) {
	case SYS_sendfile:
		*ret = sendfile((int)a[0], (int)a[1], (off_t *)a[2], (size_t)a[3]);
		return true;
	case SYS_splice:
		*ret = splice((int)a[0], (off64_t *)a[1], (int)a[2], (off64_t *)a[3], (size_t)a[4],
			      (unsigned int)a[5]);
		return true;
	case SYS_copy_file_range:
		*ret = copy_file_range((int)a[0], (off64_t *)a[1], (int)a[2], (off64_t *)a[3],
				       (size_t)a[4], (unsigned int)a[5]);
		return true;
	case SYS_sendmsg:
		*ret = sendmsg((int)a[0], (const struct msghdr *)a[1], (int)a[2]);
		return true;
	case SYS_recvmsg:
		*ret = recvmsg((int)a[0], (struct msghdr *)a[1], (int)a[2]);
		return true;
	case SYS_sendmmsg:
		*ret = sendmmsg((int)a[0], (struct mmsghdr *)a[1], (unsigned int)a[2], (int)a[3]);
		return true;
	case SYS_recvmmsg:
		*ret = recvmmsg((int)a[0], (struct mmsghdr *)a[1], (unsigned int)a[2], (int)a[3],
				(struct timespec *)a[4]);
		return true;
	default:
		return false;
	}
}

static bool call_processes(const struct call *c, long *ret)
{
	switch (c->number) {
#ifdef SYS_fork
	case SYS_fork:
		*ret = call_fork(c);
		return true;
#endif
	case SYS_clone:
		*ret = call_clone(c, (unsigned long)c->a[0]);
		return true;
#ifdef SYS_clone3
	case SYS_clone3:
		*ret = call_clone3(c);
		return true;
#endif
	case SYS_setns:
		*ret = setns((int)c->a[0], (int)c->a[1]);
		return true;
	case SYS_unshare:
		*ret = unshare((int)c->a[0]);
		return true;
	case SYS_prctl:
		*ret = prctl((int)c->a[0], c->a[1], c->a[2], c->a[3], c->a[4]);
		return true;
	case SYS_seccomp:
		if (c->a[0] == SECCOMP_SET_MODE_STRICT || c->a[0] == SECCOMP_SET_MODE_FILTER)
			process_confine();
		*ret = call_next(c);
		return true;
	case SYS_execve:
		*ret = execve((const char *)c->a[0], (char *const *)c->a[1],
			      (char *const *)c->a[2]);
		return true;
	case SYS_execveat:
		*ret = execveat((int)c->a[0], (const char *)c->a[1], (char *const *)c->a[2],
				(char *const *)c->a[3], (int)c->a[4]);
		return true;
	case SYS_exit_group:
		process_settle();
		*ret = call_next(c);
		return true;
	default:
		return false;
	}
}

long syscall(long number, ...)
{
	struct call c = { .number = number };
	struct rights_change change;
	va_list ap;
	long ret;

	/* as libc does: always six; the kernel ignores those that the call does not need */
	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		c.a[i] = va_arg(ap, long);
	va_end(ap);
	if (likely(!attach_active))
		return call_next(&c);
	if (call_reads(&c, &ret) || open_number(number, c.a, &ret) ||
	    route_syscall(number, c.a, &ret) || newfd_syscall(number, c.a, &ret) ||
	    call_writes(&c, &ret) || call_transfers(&c, &ret) || call_looks(&c, &ret) ||
	    call_processes(&c, &ret) || signal_syscall(number, c.a, &ret) ||
	    ring_syscall(number, c.a, &ret))
		return ret;
	change_number(number, c.a);
	rights_call_begin(number, c.a[0], &change);
	ret = call_next(&c);
	rights_end(&change);
	/* a wait, a message, a futex: all else by number is rare */
	if (number == SYS_wait4 || number == SYS_waitid)
		news_end();
	else
		news_hear();
	return ret;
}
