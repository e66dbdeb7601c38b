/* SPDX-License-Identifier: MIT */
/* Functions that make processes. */
#include "shim/libc/symbols.h"

#include <errno.h>
#include <stdarg.h>

#include <rawcache/embed.h>

#include "base/patience.h"
#include "base/sys.h"

#include "shim/files/ahead.h"
#include "shim/files/fd.h"
#include "shim/files/tree.h"
#include "shim/table/process.h"
#include "shim/table/who.h"
#include "shim/table/rights.h"
#include "shim/libc/thread.h"
#include "shim/table/news.h"

/* The async-signal-safe fork runs no atfork handlers. */
pid_t _Fork(void)
{
	pid_t pid;

	if (!process_known())
		return NEXT(_Fork)();
	process_fork_prepare();
	pid = NEXT(_Fork)();
	if (pid)
		process_fork_parent();
	else
		process_fork_child();
	return pid;
}

struct start {
	int (*fn)(void *);
	void *arg;
	void *stack;
	int flags;
	pid_t *parent, *child;
	void *tls;
};

/* Runs first in a child that got a copy of our memory. */
static int start_copy(void *arg)
{
	struct start start = *(struct start *)arg;

	process_fork_child();
	return start.fn(start.arg);
}

static int clone_copy(struct start *s)
{
	int pid;

	process_fork_prepare();
	pid = NEXT(clone)(start_copy, s->stack, s->flags, s, s->parent, s->tls, s->child);
	process_fork_parent();
	return pid;
}

/* As for a vfork child: this thread waits, and its thread_frame is the child's. */
static int start_vfork(void *arg)
{
	const struct start *start = arg;

	store_relaxed(&thread_frame, THREAD_FOREIGN);
	return start->fn(start->arg);
}

static int clone_vfork(struct start *s)
{
	uintptr_t frame = thread_frame;
	int pid;

	process_share_vfork();
	pid = NEXT(clone)(start_vfork, s->stack, s->flags, s, s->parent, s->tls, s->child);
	store_relaxed(&thread_frame, frame);
	news_hear();
	return pid;
}

int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	struct start s = { .fn = fn, .arg = arg, .stack = stack, .flags = flags };
	va_list ap;

	va_start(ap, arg);
	s.parent = va_arg(ap, pid_t *);
	s.tls = va_arg(ap, void *);
	s.child = va_arg(ap, pid_t *);
	va_end(ap);
	if (process_clone_confuses((unsigned long)flags))
		process_retire();
	if (process_known() && fn && stack && !(flags & CLONE_VM))
		return clone_copy(&s);
	if (process_known() && fn && stack && flags & CLONE_VFORK && !(flags & CLONE_THREAD))
		return clone_vfork(&s);
	return NEXT(clone)(fn, stack, flags, arg, s.parent, s.tls, s.child);
}

/*
 * Some calls require a process of one thread, and our helpers may be the only other threads: let them end.
 * A vfork child has none. `left` says how often to try again; 0: not begun.
 */
static bool alone_soon(int *left, bool wanted)
{
	const struct timespec nap = { .tv_nsec = HELPERS_END_NAP_NS };
	unsigned int helpers = thread_is_foreign() ? 0 : rawcache_helper_threads();

	if (errno != EINVAL || !wanted || (!*left && !helpers))
		return false;
	if (!*left) {
		rawcache_helpers_dismiss();
		*left = HELPERS_END_TRIES;
	} else if (!helpers && *left > HELPERS_GONE_TRIES) {
		*left = HELPERS_GONE_TRIES;
	}
	sys_nanosleep(&nap);
	return --*left;
}

#define FOR_ONE_THREAD (CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)

int unshare(int flags)
{
	int saved = errno;
	int left = 0;
	int ret;

	if (flags & (CLONE_NEWNS | CLONE_FS | CLONE_FILES | CLONE_NEWUSER))
		tree_stop();
	if (flags & CLONE_FILES)
		process_unshare();
	who_forget();
	do
		ret = NEXT(unshare)(flags);
	while (ret && alone_soon(&left, flags & FOR_ONE_THREAD));
	who_forget();
	if (!ret)
		errno = saved;
	return ret;
}

/* One thread joins user and mount namespaces too. */
int setns(int fd, int type)
{
	int saved = errno;
	int left = 0;
	int ret;

	tree_stop();
	who_forget();
	do
		ret = NEXT(setns)(fd, type);
	while (ret && alone_soon(&left, !type || type & (CLONE_NEWUSER | CLONE_NEWNS)));
	who_forget();
	if (!ret)
		errno = saved;
	return ret;
}

/* Whether the option changes the rights of the calling thread only. */
static bool option_of_rights(int option)
{
	switch (option) {
	case PR_SET_NO_NEW_PRIVS:
	case PR_SET_SECUREBITS:
	case PR_SET_KEEPCAPS:
	case PR_CAPBSET_DROP:
	case PR_CAP_AMBIENT:
	case PR_SET_SPECULATION_CTRL:
		return true;
	default:
		return false;
	}
}

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59 /* since Linux 5.11 */
#define PR_SYS_DISPATCH_ON 1
#endif

/*
 * Whether the program will only do what it has foreseen, and may die of more: system calls, also those outside of a
 * range that does not have ours, or a look at the time.
 */
static bool option_confines(int option, const unsigned long *a)
{
	switch (option) {
	case PR_SET_SECCOMP:
		return true;
	case PR_SET_SYSCALL_USER_DISPATCH:
		return a[0] == PR_SYS_DISPATCH_ON && (uintptr_t)option_confines - a[1] >= a[2];
	case PR_SET_TSC:
		return a[0] == PR_TSC_SIGSEGV;
	default:
		return false;
	}
}

/* Where it confines itself, its descriptors become as they are without us. */
int prctl(int option, ...)
{
	struct rights_change change = { .begun = false };
	unsigned long a[4];
	va_list ap;
	int ret;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option_confines(option, a)) {
		tree_stop();
		process_confine();
	}
	if (option_of_rights(option))
		rights_begin(&change);
	ret = NEXT(prctl)(option, a[0], a[1], a[2], a[3]);
	rights_end(&change);
	return ret;
}

/* exit() runs the library's destructors; these do not. */
void _exit(int status)
{
	ahead_order_save();
	process_settle();
	NEXT(_exit)(status);
	__builtin_unreachable();
}

void quick_exit(int status)
{
	process_settle();
	NEXT(quick_exit)(status);
	__builtin_unreachable();
}

void pthread_exit(void *result)
{
	process_thread_ends();
	NEXT(pthread_exit)(result);
	__builtin_unreachable();
}

void thrd_exit(int result)
{
	process_thread_ends();
	NEXT(thrd_exit)(result);
	__builtin_unreachable();
}

/* These functions replace descriptors 0 to 2 inside libc. */
static void standard_drop(void)
{
	for (int fd = 0; fd <= 2; fd++)
		fd_drop(fd);
}

int daemon(int nochdir, int noclose)
{
	int ret = NEXT(daemon)(nochdir, noclose);

	if (!noclose)
		standard_drop();
	return ret;
}

int forkpty(int *master, char *name, const struct termios *termios, const struct winsize *size)
{
	int pid = NEXT(forkpty)(master, name, termios, size);

	if (!pid)
		standard_drop();
	else if (pid > 0)
		fd_new(*master);
	return pid;
}

int login_tty(int fd)
{
	for (int i = 0; i <= 2; i++)
		fd_forget(i);
	fd_forget(fd);
	return NEXT(login_tty)(fd);
}

int system(const char *command)
{
	int status;

	process_share_inherited();
	status = NEXT(system)(command);
	news_end();
	return status;
}

/* Command substitution. */
int wordexp(const char *words, wordexp_t *result, int flags)
{
	int ret;

	process_share_inherited();
	ret = NEXT(wordexp)(words, result, flags);
	news_end();
	return ret;
}

HOOK_ALIAS(__clone, clone);
HOOK_ALIAS(_Exit, _exit);
HOOK_ALIAS(__libc_system, system);
