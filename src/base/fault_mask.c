/* SPDX-License-Identifier: MIT */
#include "base/fault_mask.h"

#include "base/stack.h"
#include "base/sys.h"

static const uintptr_t WINDOW_SEAL = (uintptr_t)0x776e64776f7773u;

bool fault_mask_enabled;
tls_initial uint8_t fault_mask;
static tls_initial struct fault_window *fault_window; /* lies on the stack */
/* the signals of the mask that a critical section opened */
static tls_initial uint64_t section_opened;

/* SIGSEGV and SIGBUS that were sent while the program blocked them. */
static tls_initial struct {
	siginfo_t info[2];
	bool pending[2];
} postponed;

void fault_mask_enable(void)
{
	store_relaxed(&fault_mask_enabled, true);
}

never_inline bool fault_window_needed_slow(void)
{
	uint64_t mask = 0;

	/* must be stored first: if a handler changes its mask in between, the mask is checked again */
	store_relaxed(&fault_mask, FAULT_MASK_OPEN);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	sys_sigprocmask(SIG_BLOCK, NULL, &mask);
	if (mask & FAULT_SIGNALS)
		store_relaxed(&fault_mask, FAULT_MASK_BLOCKED);
	return mask & FAULT_SIGNALS;
}

void fault_window_begin(struct fault_window *window)
{
	const uint64_t faults = FAULT_SIGNALS;

	window->seal = (uintptr_t)window ^ WINDOW_SEAL;
	store_relaxed(&fault_window, window);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	sys_sigprocmask(SIG_UNBLOCK, &faults, &window->mask);
}

/* Send the postponed signals to this thread, which blocks them. */
static void postponed_send(void)
{
	static const int signals[2] = { SIGSEGV, SIGBUS };

	for (int i = 0; i < 2; i++) {
		if (likely(!postponed.pending[i]))
			continue;
		store_relaxed(&postponed.pending[i], false);
		SYS_CALL(__NR_rt_tgsigqueueinfo, sys_getpid(),
			 SYS_CALL(__NR_gettid, 0, 0, 0, 0, 0, 0), signals[i], &postponed.info[i], 0,
			 0);
	}
}

void fault_mask_fork_child(void)
{
	postponed.pending[0] = postponed.pending[1] = false;
}

void fault_window_end(struct fault_window *window)
{
	sys_sigprocmask(SIG_SETMASK, &window->mask, NULL);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	store_relaxed(&fault_window, NULL);
	*(volatile uintptr_t *)&window->seal = 0;
	/* a handler that copied in between saw an open mask */
	store_relaxed(&fault_mask, FAULT_MASK_BLOCKED);
	postponed_send();
}

/* Between these two only the signal of a fault can interrupt the thread. */
void fault_section_open(uint64_t mask)
{
	const uint64_t faults = mask & FAULT_SIGNALS;

	if (!load_relaxed(&fault_mask_enabled))
		return;
	store_relaxed(&section_opened, faults);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	sys_sigprocmask(SIG_UNBLOCK, &faults, NULL);
}

void fault_section_close(uint64_t mask)
{
	const uint64_t faults = FAULT_SIGNALS;

	sys_sigprocmask(SIG_BLOCK, &faults, NULL);
	store_relaxed(&section_opened, 0);
	fault_mask_changed(); /* a copy in between saw an open mask */
	postponed_send();
	sys_sigprocmask(SIG_SETMASK, &mask, NULL);
}

void fault_window_open(struct fault_window *window)
{
	window->opened = fault_window_needed();
	if (window->opened)
		fault_window_begin(window);
}

void fault_window_close(struct fault_window *window)
{
	if (window->opened)
		fault_window_end(window);
}

static tls_initial bool helping;

tls_initial bool fault_mask_held;

void fault_mask_helper(void)
{
	helping = true;
}

/* Whether a window closes the signal again later. A window that lies below `sp` was left by a jump. */
static bool window_waits(int sig, uintptr_t sp)
{
	struct fault_window *window = fault_window;

	if (!window || window->seal != ((uintptr_t)window ^ WINDOW_SEAL) ||
	    (sp > (uintptr_t)window && sp - (uintptr_t)window < STACK_SAME))
		return false;
	return window->mask & signal_bit(sig);
}

bool fault_postpone(int sig, const siginfo_t *info, uintptr_t sp)
{
	int i = sig == SIGBUS;

	/* a helper blocks no signal of a fault; one that was sent is meant for the program's threads */
	if (helping)
		return !SYS_CALL(__NR_rt_tgsigqueueinfo, sys_getpid(), sys_getpid(), sig, info, 0,
				 0);
	if (!(section_opened & signal_bit(sig)) && !window_waits(sig, sp))
		return false;
	postponed.info[i] = *info;
	postponed.pending[i] = true;
	return true;
}
