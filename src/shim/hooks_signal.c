/* SPDX-License-Identifier: MIT */
/* The program's view of the two signals that the shim handles; all others pass. */
#include "shim/symbols.h"

#include <errno.h>

#include "base/guard.h"

#include "shim/attach.h"
#include "shim/signals.h"
#include "shim/thread.h"

/*
 * No handler blocks SIGSEGV and SIGBUS, or a fault of a copy within it would kill. What the
 * program asked for is noted, for it to be told when it asks.
 */
#define HIDDEN_SEGV 1
#define HIDDEN_BUS 2
static uint8_t hidden[NSIG];

static uint8_t mask_hide(sigset_t *mask)
{
	uint8_t bits = (sigismember(mask, SIGSEGV) ? HIDDEN_SEGV : 0) |
		       (sigismember(mask, SIGBUS) ? HIDDEN_BUS : 0);

	sigdelset(mask, SIGSEGV);
	sigdelset(mask, SIGBUS);
	return bits;
}

static void mask_show(sigset_t *mask, uint8_t bits)
{
	if (bits & HIDDEN_SEGV)
		sigaddset(mask, SIGSEGV);
	if (bits & HIDDEN_BUS)
		sigaddset(mask, SIGBUS);
}

/* The kernel has a new disposition, set while we kept none: unless we have begun to meanwhile. */
static void kernel_was_set(int sig, uint8_t bits)
{
	if (sig <= 0 || sig >= NSIG || thread_is_foreign())
		return;
	store_relaxed(&hidden[sig], bits);
	fence_full(); /* pairs with that in signals_install() */
	if (unlikely(signals_kept(sig)))
		signals_claim(sig);
}

static int action_set(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction shown;
	uint8_t bits = 0;
	uint8_t before;
	int ret;

	if (sig <= 0 || sig >= NSIG || thread_is_foreign())
		return NEXT(sigaction)(sig, act, old);
	before = load_relaxed(&hidden[sig]);
	if (act) {
		shown = *act;
		bits = mask_hide(&shown.sa_mask);
	}
	ret = NEXT(sigaction)(sig, act ? &shown : NULL, old);
	if (!ret && old)
		mask_show(&old->sa_mask, before);
	if (!ret && act)
		kernel_was_set(sig, bits);
	return ret;
}

int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	if (unlikely(!attach_active))
		return NEXT(sigaction)(sig, act, old);
	if (likely(!signals_kept(sig)))
		return action_set(sig, act, old);
	/* a vfork child has dispositions of its own, but our memory */
	if (act && thread_is_foreign()) {
		struct sigaction ignored;

		signals_exchange(sig, NULL, old ? old : &ignored);
		return NEXT(sigaction)(sig, act, NULL);
	}
	if (act || old)
		signals_exchange(sig, act, old);
	return 0;
}

static sighandler_t set_handler(int sig, sighandler_t handler, int flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&act.sa_mask);
	if (flags & SA_RESTART)
		sigaddset(&act.sa_mask, sig);
	return sigaction(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}

sighandler_t signal(int sig, sighandler_t handler)
{
	if (likely(!signals_kept(sig))) {
		sighandler_t before = NEXT(signal)(sig, handler);

		kernel_was_set(sig, 0);
		return before;
	}
	return set_handler(sig, handler, SA_RESTART);
}

sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	if (likely(!signals_kept(sig))) {
		sighandler_t before = NEXT(sysv_signal)(sig, handler);

		kernel_was_set(sig, 0);
		return before;
	}
	return set_handler(sig, handler, SA_RESETHAND | SA_NODEFER);
}

/* SIG_HOLD is about the mask, which is the kernel's. */
sighandler_t sigset(int sig, sighandler_t disposition)
{
	struct sigaction old;
	sigset_t set;
	sigset_t before;

	if (likely(!signals_kept(sig))) {
		sighandler_t shown = NEXT(sigset)(sig, disposition);

		if (disposition != SIG_HOLD)
			kernel_was_set(sig, 0);
		return shown;
	}
	signals_exchange(sig, NULL, &old);
	sigemptyset(&set);
	sigaddset(&set, sig);
	if (disposition == SIG_HOLD) {
		sigprocmask(SIG_BLOCK, &set, &before);
	} else {
		if (set_handler(sig, disposition, 0) == SIG_ERR)
			return SIG_ERR;
		sigprocmask(SIG_UNBLOCK, &set, &before);
	}
	return sigismember(&before, sig) ? SIG_HOLD : old.sa_handler;
}

int sigignore(int sig)
{
	if (likely(!signals_kept(sig))) {
		int ret = NEXT(sigignore)(sig);

		kernel_was_set(sig, 0);
		return ret;
	}
	set_handler(sig, SIG_IGN, 0);
	return 0;
}

int siginterrupt(int sig, int interrupt)
{
	struct sigaction act;

	if (likely(!signals_kept(sig)))
		return NEXT(siginterrupt)(sig, interrupt);
	signals_exchange(sig, NULL, &act);
	if (interrupt)
		act.sa_flags &= ~SA_RESTART;
	else
		act.sa_flags |= SA_RESTART;
	signals_exchange(sig, &act, NULL);
	return 0;
}

HOOK_ALIAS(__sigaction, sigaction);
HOOK_ALIAS(bsd_signal, signal);
HOOK_ALIAS(ssignal, signal);
HOOK_ALIAS(__sysv_signal, sysv_signal);
