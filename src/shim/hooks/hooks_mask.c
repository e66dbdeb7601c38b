/* SPDX-License-Identifier: MIT */
/*
 * Signal masks. A copy from the cache that faults while the thread blocks SIGSEGV or SIGBUS would kill the
 * program, so guard.h must know: after these functions it reads the mask again. It cannot see the masks of
 * handlers in time; hooks_signal.c removes the two signals from them.
 *
 * Masks that siglongjmp(), setcontext() or the return from a handler restore are not seen: if a thread had
 * opened its mask in between, it may block the two again unnoticed. That matters only if it then passes a
 * bad buffer, or the image's disk fails.
 */
#include "shim/libc/symbols.h"
#include "shim/table/news.h"

#include "base/fault_mask.h"

static bool blocks_faults(const sigset_t *set)
{
	return set && (sigismember(set, SIGSEGV) == 1 || sigismember(set, SIGBUS) == 1);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	int ret = NEXT(sigprocmask)(how, set, old);

	if (set)
		fault_mask_changed();
	return ret;
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	int err = NEXT(pthread_sigmask)(how, set, old);

	if (set)
		fault_mask_changed();
	return err;
}

int sigblock(int mask)
{
	int old = NEXT(sigblock)(mask);

	fault_mask_changed();
	return old;
}

int sigsetmask(int mask)
{
	int old = NEXT(sigsetmask)(mask);

	fault_mask_changed();
	return old;
}

int sighold(int sig)
{
	int ret = NEXT(sighold)(sig);

	fault_mask_changed();
	return ret;
}

/* Waiting with another mask: handlers run while it is in force. */

static void mask_lent(const sigset_t *set)
{
	if (unlikely(blocks_faults(set)))
		fault_mask_changed();
}

int sigsuspend(const sigset_t *set)
{
	int ret;

	mask_lent(set);
	ret = NEXT(sigsuspend)(set);
	news_hear();
	return ret;
}

int pselect(int n, fd_set *reads, fd_set *writes, fd_set *errors, const struct timespec *timeout,
	    const sigset_t *set)
{
	mask_lent(set);
	return NEXT(pselect)(n, reads, writes, errors, timeout, set);
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *set)
{
	mask_lent(set);
	return NEXT(ppoll)(fds, n, timeout, set);
}

int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *set,
		size_t room)
{
	mask_lent(set);
	return NEXT(__ppoll_chk)(fds, n, timeout, set, room);
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout, const sigset_t *set)
{
	mask_lent(set);
	return NEXT(epoll_pwait)(fd, events, n, timeout, set);
}

int epoll_pwait2(int fd, struct epoll_event *events, int n, const struct timespec *timeout,
		 const sigset_t *set)
{
	mask_lent(set);
	return NEXT(epoll_pwait2)(fd, events, n, timeout, set);
}

HOOK_ALIAS(__sigsuspend, sigsuspend);
