/* SPDX-License-Identifier: MIT */
/* The program's view of the two signals that the shim handles; all others pass. */
#include "shim/libc/symbols.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/fault_mask.h"
#include "base/guard.h"
#include "base/stack.h"

#include "shim/hooks/hooks_signal.h"
#include "shim/table/attach.h"
#include "shim/libc/signals.h"
#include "shim/libc/thread.h"

static bool interrupting[NSIG]; /* set by siginterrupt(); signal() obeys it */

/*
 * The kernel has a new disposition, which was set while we kept none. If we have begun to keep them
 * meanwhile, ours must be set again.
 */
static void kernel_was_set(int sig, uint8_t bits)
{
	if (sig <= 0 || sig >= NSIG || thread_is_foreign())
		return;
	store_relaxed(&signals_hidden[sig], bits);
	fence_full(); /* pairs with the fence in signals_install() */
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
	before = load_relaxed(&signals_hidden[sig]);
	if (act) {
		shown = *act;
		bits = signals_mask_hide(&shown.sa_mask);
	}
	ret = NEXT(sigaction)(sig, act ? &shown : NULL, old);
	if (!ret && old)
		signals_mask_show(&old->sa_mask, before);
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

/* bsd: with the semantics of signal(). */
static sighandler_t set_handler(int sig, sighandler_t handler, int flags, bool bsd)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&act.sa_mask);
	if (bsd)
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
	return set_handler(sig, handler, load_relaxed(&interrupting[sig]) ? 0 : SA_RESTART, true);
}

sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	if (likely(!signals_kept(sig))) {
		sighandler_t before = NEXT(sysv_signal)(sig, handler);

		kernel_was_set(sig, 0);
		return before;
	}
	return set_handler(sig, handler, SA_RESETHAND | SA_NODEFER, false);
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
		if (set_handler(sig, disposition, 0, false) == SIG_ERR)
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
	set_handler(sig, SIG_IGN, 0, false);
	return 0;
}

int siginterrupt(int sig, int interrupt)
{
	struct sigaction act;

	if (likely(!signals_kept(sig))) {
		int ret = NEXT(siginterrupt)(sig, interrupt);

		if (!ret && !thread_is_foreign())
			store_relaxed(&interrupting[sig], interrupt);
		return ret;
	}
	store_relaxed(&interrupting[sig], interrupt);
	signals_exchange(sig, NULL, &act);
	if (interrupt)
		act.sa_flags &= ~SA_RESTART;
	else
		act.sa_flags |= SA_RESTART;
	signals_exchange(sig, &act, NULL);
	return 0;
}

int sigaltstack(const stack_t *stack, stack_t *old)
{
	int ret = NEXT(sigaltstack)(stack, old);

	/* the kernel has read it, so the address is good */
	if (!ret && stack && attach_active)
		stack_note(stack);
	return ret;
}

/* --- by number */

/* As the kernel has it. */
struct action_raw {
	void (*handler)(int sig);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static long signal_by_number(long number, const long *a)
{
	return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Our handlers stay installed: a fault in a copy is not the program's fault. */
static long action_by_number(long number, const long *a)
{
	struct action_raw raw = { 0 };
	struct sigaction act = { 0 };
	struct sigaction old = { 0 };
	int sig = (int)a[0];

	if ((sig != SIGSEGV && sig != SIGBUS) || a[3] != sizeof(raw.mask) ||
	    (a[1] && guard_copy(&raw, (const void *)a[1], sizeof(raw))))
		return signal_by_number(number, a);
	act.sa_handler = raw.handler;
	act.sa_flags = (int)raw.flags;
	memcpy(&act.sa_mask, &raw.mask, sizeof(raw.mask));
	if (sigaction(sig, a[1] ? &act : NULL, &old))
		return -1;
	raw = (struct action_raw){ old.sa_handler, (unsigned int)old.sa_flags, old.sa_restorer, 0 };
	memcpy(&raw.mask, &old.sa_mask, sizeof(raw.mask));
	if (!a[2] || !guard_copy((void *)a[2], &raw, sizeof(raw)))
		return 0;
	errno = EFAULT;
	return -1;
}

bool signal_syscall(long number, const long *a, long *ret)
{
	switch (number) {
	case SYS_rt_sigaction:
		*ret = action_by_number(number, a);
		return true;
	case SYS_rt_sigprocmask:
		*ret = signal_by_number(number, a);
		fault_mask_changed();
		return true;
	case SYS_sigaltstack:
		*ret = sigaltstack((const stack_t *)a[0], (stack_t *)a[1]);
		return true;
	default:
		return false;
	}
}

HOOK_ALIAS(__sigaction, sigaction);
HOOK_ALIAS(bsd_signal, signal);
HOOK_ALIAS(ssignal, signal);
HOOK_ALIAS(__sysv_signal, sysv_signal);
