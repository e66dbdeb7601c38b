/* SPDX-License-Identifier: MIT */
/* Functions that make processes. */
#include "shim/symbols.h"

#include <stdarg.h>
#include <sys/single_threaded.h>

#include "base/sys.h"

#include "shim/fd.h"
#include "shim/process.h"

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
};

/* The first thing in a child that got a copy of our memory. */
static int start_copy(void *arg)
{
	struct start start = *(struct start *)arg;

	process_fork_child();
	return start.fn(start.arg);
}

static int clone_copy(struct start *start, void *stack, int flags, pid_t *parent, void *tls,
		      pid_t *child)
{
	int pid;

	process_fork_prepare();
	pid = NEXT(clone)(start_copy, stack, flags, start, parent, tls, child);
	process_fork_parent();
	return pid;
}

int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	struct start start = { fn, arg };
	pid_t *parent;
	pid_t *child;
	void *tls;
	va_list ap;

	va_start(ap, arg);
	parent = va_arg(ap, pid_t *);
	tls = va_arg(ap, void *);
	child = va_arg(ap, pid_t *);
	va_end(ap);
	if (!process_known())
		return NEXT(clone)(fn, stack, flags, arg, parent, tls, child);
	if (!(flags & CLONE_VM) && fn && stack)
		return clone_copy(&start, stack, flags, parent, tls, child);
	/* a second process on our memory and our descriptors: nobody could tell whose calls are whose */
	if (flags & CLONE_FILES && !(flags & CLONE_THREAD))
		process_retire();
	else if (!(flags & CLONE_FILES))
		process_share_all();
	return NEXT(clone)(fn, stack, flags, arg, parent, tls, child);
}

/* Threads with different descriptors for the same numbers. */
int unshare(int flags)
{
	if (flags & CLONE_FILES && !__libc_single_threaded)
		process_retire();
	return NEXT(unshare)(flags);
}

/* These replace descriptors 0 to 2 inside libc. */
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
	process_share_inherited();
	return NEXT(system)(command);
}

/* Command substitution. */
int wordexp(const char *words, wordexp_t *result, int flags)
{
	process_share_inherited();
	return NEXT(wordexp)(words, result, flags);
}

HOOK_ALIAS(__clone, clone);
HOOK_ALIAS(__libc_system, system);
