/* SPDX-License-Identifier: MIT */
/*
 * The program's disposition of a signal is a sequence-locked copy: handlers read it without a
 * lock, writers exclude each other with a flag inside a critical section.
 */
#include "shim/symbols.h"

#include "shim/signals.h"

#include <errno.h>
#include <ucontext.h>

#include <rawcache/rawcache.h>
#include <rawcache/zerocopy.h>

#include "base/critical.h"
#include "base/guard.h"
#include "base/sys.h"

struct disposition {
	uint32_t sequence; /* odd while it is written */
	struct sigaction act;
};

static struct disposition segv, bus;
static bool installed;

static struct disposition *disposition_of(int sig)
{
	return sig == SIGSEGV ? &segv : &bus;
}

static struct sigaction disposition_read(struct disposition *d)
{
	struct sigaction act;
	uint32_t sequence;

	do {
		while ((sequence = load_acquire(&d->sequence)) & 1)
			cpu_relax();
		act = d->act;
		fence_acquire();
	} while (load_relaxed(&d->sequence) != sequence);
	return act;
}

/*
 * A signal that is sent, too, comes to our handler: what it interrupts goes on where it would go on
 * with the program's own disposition.
 */
static int flags_for(const struct sigaction *act)
{
	bool handled = act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN;

	return SA_SIGINFO | SA_NODEFER | SA_ONSTACK |
	       (handled ? act->sa_flags & SA_RESTART : SA_RESTART);
}

static void fault(int sig, siginfo_t *info, void *context);

static void handler_set(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction ours = { .sa_sigaction = fault, .sa_flags = flags_for(act) };

	NEXT(sigaction)(sig, &ours, old);
}

/* Dispositions are ours to change: no fault of this thread may come in between, not even one that is sent. */
static void change_begin(struct critical *critical)
{
	const uint64_t faults = critical_bit(SIGSEGV) | critical_bit(SIGBUS);

	critical_enter(critical);
	sys_sigprocmask(SIG_BLOCK, &faults, NULL);
}

/* Whoever else wants this one waits. */
static void disposition_lock(struct disposition *d)
{
	uint32_t even;

	do
		even = load_relaxed(&d->sequence) & ~1u;
	while (!cas(&d->sequence, &even, even + 1));
}

static void disposition_unlock(struct disposition *d)
{
	store_release(&d->sequence, d->sequence + 1);
}

void signals_exchange(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct disposition *d = disposition_of(sig);
	struct critical critical;
	struct sigaction before;
	struct sigaction wanted;

	if (!act) {
		*old = disposition_read(d);
		return;
	}
	wanted = *act; /* here, because it may fault */
	change_begin(&critical);
	disposition_lock(d);
	before = d->act;
	d->act = wanted;
	if (flags_for(&wanted) != flags_for(&before))
		handler_set(sig, &wanted, NULL);
	disposition_unlock(d);
	critical_leave(&critical);
	if (old)
		*old = before;
}

/* Let the default happen: a fault repeats when we return, a sent signal is sent again. */
static void chain_default(int sig, const siginfo_t *info)
{
	struct sigaction act = { .sa_handler = SIG_DFL };

	NEXT(sigaction)(sig, &act, NULL);
	if (info->si_code <= 0)
		SYS_CALL(__NR_tgkill, sys_getpid(), SYS_CALL(__NR_gettid, 0, 0, 0, 0, 0, 0), sig, 0,
			 0, 0);
}

/* What the kernel would have blocked for the program's handler; our return undoes it. */
static void chain_block(int sig, const struct sigaction *act)
{
	sigset_t mask = act->sa_mask;

	if (!(act->sa_flags & SA_NODEFER))
		sigaddset(&mask, sig);
	sys_sigprocmask(SIG_BLOCK, (const uint64_t *)&mask, NULL);
	guard_mask_changed();
}

static void chain(int sig, siginfo_t *info, void *context)
{
	struct sigaction act = disposition_read(disposition_of(sig));

	if (act.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	/* a fault cannot be ignored: the kernel kills then, too */
	if (act.sa_handler == SIG_DFL || act.sa_handler == SIG_IGN) {
		chain_default(sig, info);
		return;
	}
	if (act.sa_flags & (int)SA_RESETHAND) {
		struct sigaction reset = { .sa_handler = SIG_DFL };

		signals_exchange(sig, &reset, NULL);
	}
	chain_block(sig, &act);
	if (act.sa_flags & SA_SIGINFO)
		act.sa_sigaction(sig, info, context);
	else
		act.sa_handler(sig);
	guard_mask_changed(); /* the mask that comes back may be another */
}

/* The stack pointer of what was interrupted. */
static uintptr_t context_stack(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#else
	return (uintptr_t)context->uc_mcontext.sp;
#endif
}

static bool fault_mended(int sig, void *address, uintptr_t sp)
{
	struct guard *aside = guard_put_aside(sp);
	bool mended = rawcache_handle_fault(address) ||
		      (sig == SIGBUS && rawcache_maps_fault(address));

	guard_take_back(aside);
	return mended;
}

static void fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t sp = context_stack(context);
	int saved = errno;
	bool done = info->si_code > 0 ? fault_mended(sig, info->si_addr, sp) :
					guard_postpone(sig, info, sp);

	errno = saved;
	if (!done)
		chain(sig, info, context);
}

/* Our handler is the one; what was there otherwise is the program's disposition. */
static void handler_claim(int sig, struct disposition *d)
{
	struct sigaction old;

	handler_set(sig, &d->act, &old);
	if (old.sa_sigaction == fault)
		return;
	d->act = old;
	handler_set(sig, &d->act, &old);
	if (old.sa_sigaction != fault) /* set between our two calls */
		d->act = old;
}

void signals_claim(int sig)
{
	struct disposition *d = disposition_of(sig);
	struct critical critical;

	change_begin(&critical);
	disposition_lock(d);
	handler_claim(sig, d);
	disposition_unlock(d);
	critical_leave(&critical);
}

void signals_install(void)
{
	struct critical critical;

	if (load_relaxed(&installed))
		return;
	change_begin(&critical);
	disposition_lock(&segv);
	disposition_lock(&bus);
	store_release(&installed, true);
	fence_full(); /* who set a disposition before it saw this has done so by now, or claims */
	handler_claim(SIGSEGV, &segv);
	handler_claim(SIGBUS, &bus);
	disposition_unlock(&bus);
	disposition_unlock(&segv);
	critical_leave(&critical);
	guard_enable();
}

bool signals_kept(int sig)
{
	return (sig == SIGSEGV || sig == SIGBUS) && load_acquire(&installed);
}

/* Who had it locked is not in the child. */
static void disposition_mend(int sig, struct disposition *d)
{
	if (!(d->sequence & 1))
		return;
	if (installed)
		handler_claim(sig, d);
	disposition_unlock(d);
}

void signals_fork_child(void)
{
	guard_fork_child();
	disposition_mend(SIGSEGV, &segv);
	disposition_mend(SIGBUS, &bus);
	if (installed)
		guard_enable();
}
