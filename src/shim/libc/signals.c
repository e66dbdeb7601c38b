/* SPDX-License-Identifier: MIT */
/*
 * The program's disposition of a signal is in one of two copies; the sequence says in which. Handlers read
 * it without a lock. Writers exclude each other by the sequence's lowest bit, inside a critical section,
 * and write the other copy. A fork in the middle leaves the child the copy that was in force.
 */
#include "shim/libc/symbols.h"

#include "shim/libc/signals.h"

#include <errno.h>
#include <ucontext.h>

#include <rawcache/embed.h>
#include <rawcache/zerocopy.h>

#include "base/critical.h"
#include "base/fault_mask.h"
#include "base/guard.h"
#include "base/sys.h"

/* Bits: which of both signals a mask has. */
#define HIDDEN_SEGV 1
#define HIDDEN_BUS 2

struct disposition {
	uint32_t sequence; /* odd while the other copy is written */
	struct sigaction act[2];
};

#define SPINS 100 /* looks between two turns that are given away */

static struct disposition segv, bus;
static bool installed;

uint8_t signals_hidden[NSIG];

uint8_t signals_mask_hide(sigset_t *mask)
{
	uint8_t bits = (sigismember(mask, SIGSEGV) ? HIDDEN_SEGV : 0) |
		       (sigismember(mask, SIGBUS) ? HIDDEN_BUS : 0);

	sigdelset(mask, SIGSEGV);
	sigdelset(mask, SIGBUS);
	return bits;
}

void signals_mask_show(sigset_t *mask, uint8_t bits)
{
	if (bits & HIDDEN_SEGV)
		sigaddset(mask, SIGSEGV);
	if (bits & HIDDEN_BUS)
		sigaddset(mask, SIGBUS);
}

static struct disposition *disposition_of(int sig)
{
	return sig == SIGSEGV ? &segv : &bus;
}

/* The copy that `sequence` says. */
static struct sigaction *disposition_act(struct disposition *d, uint32_t sequence)
{
	return &d->act[(sequence >> 1) & 1];
}

/* The copy is valid until a second writer begins after this look. */
static struct sigaction disposition_read(struct disposition *d)
{
	struct sigaction act;
	uint32_t sequence;

	do {
		sequence = load_acquire(&d->sequence) & ~1u;
		act = *disposition_act(d, sequence);
		fence_acquire();
	} while (load_relaxed(&d->sequence) - sequence > 2);
	return act;
}

/*
 * Flags of our handler. A signal that is sent comes to it too: the interrupted code must continue as with
 * the program's own disposition, and the program's handler must run on the stack that it asked for.
 */
static int flags_for(const struct sigaction *act)
{
	bool handled = act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN;

	return SA_SIGINFO | SA_NODEFER |
	       (handled ? act->sa_flags & (SA_RESTART | SA_ONSTACK) : SA_RESTART | SA_ONSTACK);
}

static void fault(int sig, siginfo_t *info, void *context);

static void handler_set(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction ours = { .sa_sigaction = fault, .sa_flags = flags_for(act) };

	NEXT(sigaction)(sig, &ours, old);
}

/* While dispositions are changed, no fault of this thread may come in between, not even a sent signal. */
static void change_begin(struct critical *critical)
{
	const uint64_t faults = signal_bit(SIGSEGV) | signal_bit(SIGBUS);

	critical_enter(critical);
	sys_sigprocmask(SIG_BLOCK, &faults, NULL);
}

/* Lock the disposition. Returns the copy to change, with the contents of the one in force. */
static struct sigaction *disposition_lock(struct disposition *d)
{
	struct sigaction *next;
	uint32_t even;

	for (unsigned int i = 1;; i++) {
		even = load_relaxed(&d->sequence) & ~1u;
		if (cas(&d->sequence, &even, even + 1))
			break;
		if (i % SPINS == 0)
			SYS_CALL(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
	}
	next = disposition_act(d, even + 2);
	fence_release(); /* a reader that sees what is written now must see that this has begun */
	*next = *disposition_act(d, even);
	return next;
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
	struct sigaction *next;

	if (!act) {
		*old = disposition_read(d);
		return;
	}
	wanted = *act; /* read here, because it may fault */
	change_begin(&critical);
	next = disposition_lock(d);
	before = *next;
	*next = wanted;
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

/* Block what the kernel would have blocked for the program's handler; our return undoes it. */
static void chain_block(int sig, const struct sigaction *act)
{
	sigset_t mask = act->sa_mask;

	if (!(act->sa_flags & SA_NODEFER))
		sigaddset(&mask, sig);
	sys_sigprocmask(SIG_BLOCK, (const uint64_t *)&mask, NULL);
	fault_mask_changed();
}

static void chain(int sig, siginfo_t *info, void *context)
{
	struct sigaction act = disposition_read(disposition_of(sig));
	bool held = fault_mask_held;

	if (act.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	/* a fault cannot be ignored: the kernel kills then, too */
	if (act.sa_handler == SIG_DFL || act.sa_handler == SIG_IGN) {
		chain_default(sig, info);
		return;
	}
	/* in a helper, too, what blocks signals below must unblock them again */
	fault_mask_held = false;
	if (act.sa_flags & (int)SA_RESETHAND) {
		struct sigaction reset = { .sa_handler = SIG_DFL };

		signals_exchange(sig, &reset, NULL);
	}
	chain_block(sig, &act);
	if (act.sa_flags & SA_SIGINFO)
		act.sa_sigaction(sig, info, context);
	else
		act.sa_handler(sig);
	fault_mask_held = held;
	fault_mask_changed(); /* the restored mask may be another */
}

/* The stack pointer of the interrupted code. */
static uintptr_t context_stack(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#else
	return (uintptr_t)context->uc_mcontext.sp;
#endif
}

static bool fault_mended(int sig, const siginfo_t *info, uintptr_t sp)
{
	struct guard *suspended = guard_suspend(sp);
	/* an access that is not aligned is not so on any page */
	bool mended = rawcache_handle_fault(info->si_addr) ||
		      (sig == SIGBUS && info->si_code != BUS_ADRALN &&
		       rawcache_maps_fault(info->si_addr));

	guard_resume(suspended);
	return mended;
}

static void fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t sp = context_stack(context);
	int saved = errno;
	bool done = info->si_code > 0 ? fault_mended(sig, info, sp) : fault_postpone(sig, info, sp);

	errno = saved;
	if (!done)
		chain(sig, info, context);
}

/* Install our handler; any other disposition that was there is the program's. */
static void handler_claim(int sig, struct sigaction *act)
{
	struct sigaction old;

	handler_set(sig, act, &old);
	if (old.sa_sigaction == fault)
		return;
	*act = old;
	handler_set(sig, act, &old);
	if (old.sa_sigaction != fault) /* set between our two calls */
		*act = old;
	signals_mask_show(&act->sa_mask, load_relaxed(&signals_hidden[sig]));
}

void signals_claim(int sig)
{
	struct disposition *d = disposition_of(sig);
	struct critical critical;

	change_begin(&critical);
	handler_claim(sig, disposition_lock(d));
	disposition_unlock(d);
	critical_leave(&critical);
}

void signals_install(void)
{
	struct sigaction *segv_act;
	struct sigaction *bus_act;
	struct critical critical;

	if (load_relaxed(&installed))
		return;
	change_begin(&critical);
	segv_act = disposition_lock(&segv);
	bus_act = disposition_lock(&bus);
	store_release(&installed, true);
	fence_full(); /* a thread that has not seen it has set its disposition by now, or claims */
	handler_claim(SIGSEGV, segv_act);
	handler_claim(SIGBUS, bus_act);
	disposition_unlock(&bus);
	disposition_unlock(&segv);
	critical_leave(&critical);
	fault_mask_enable();
}

bool signals_kept(int sig)
{
	return (sig == SIGSEGV || sig == SIGBUS) && load_acquire(&installed);
}

/* The thread that had it locked is not in the child: what it had not published is forgotten. */
static void disposition_mend(int sig, struct disposition *d)
{
	if (!(d->sequence & 1))
		return;
	store_relaxed(&d->sequence, d->sequence - 1);
	if (installed)
		signals_claim(sig);
}

void signals_fork_child(void)
{
	fault_mask_fork_child();
	disposition_mend(SIGSEGV, &segv);
	disposition_mend(SIGBUS, &bus);
	if (installed)
		fault_mask_enable();
}

static bool is_ignored(int sig)
{
	return signals_kept(sig) && disposition_read(disposition_of(sig)).sa_handler == SIG_IGN;
}

/*
 * Install ours in place of an ignored signal, or the reverse. In a vfork child the disposition may be
 * neither: it is the child's own.
 */
static void ignored_change(int sig, bool real)
{
	struct sigaction act = { .sa_handler = SIG_IGN };
	struct sigaction now;

	if (!is_ignored(sig) || NEXT(sigaction)(sig, NULL, &now))
		return;
	if (real && now.sa_sigaction == fault)
		NEXT(sigaction)(sig, &act, NULL);
	else if (!real && now.sa_handler == SIG_IGN)
		handler_set(sig, &act, NULL);
}

void signals_lend(void)
{
	ignored_change(SIGSEGV, true);
	ignored_change(SIGBUS, true);
}

void signals_return(void)
{
	ignored_change(SIGSEGV, false);
	ignored_change(SIGBUS, false);
}
