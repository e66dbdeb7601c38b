/* SPDX-License-Identifier: MIT */
/*
 * The program's disposition of a signal is a sequence-locked copy: handlers read it without a
 * lock, writers exclude each other with a flag inside a critical section.
 */
#include "shim/symbols.h"

#include "shim/signals.h"

#include <errno.h>

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

void signals_exchange(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct disposition *d = disposition_of(sig);
	struct critical critical;
	struct sigaction before;
	uint32_t even;

	if (!act) {
		*old = disposition_read(d);
		return;
	}
	critical_enter(&critical);
	do
		even = load_relaxed(&d->sequence) & ~1u;
	while (!cas(&d->sequence, &even, even + 1));
	before = d->act;
	d->act = *act;
	if (flags_for(act) != flags_for(&before))
		handler_set(sig, act, NULL);
	store_release(&d->sequence, even + 2);
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

static void fault(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	bool mended = info->si_code > 0 &&
		      (rawcache_handle_fault(info->si_addr) ||
		       (sig == SIGBUS && rawcache_maps_fault(info->si_addr)));

	errno = saved;
	if (!mended && !(info->si_code <= 0 && guard_postpone(sig, info)))
		chain(sig, info, context);
}

static void install(int sig)
{
	struct disposition *d = disposition_of(sig);

	handler_set(sig, &d->act, &d->act); /* the first flags matter to nobody */
	handler_set(sig, &d->act, NULL);
}

void signals_install(void)
{
	if (installed)
		return;
	install(SIGSEGV);
	install(SIGBUS);
	guard_enable();
	store_release(&installed, true);
}

bool signals_kept(int sig)
{
	return (sig == SIGSEGV || sig == SIGBUS) && load_acquire(&installed);
}
