/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/libc/sigpipe.h"

#include "base/sys.h"

#define PIPE_BIT (UINT64_C(1) << (SIGPIPE - 1)) /* as in the kernel's sets of signals */

/* As the kernel has it. */
struct kernel_action {
	void (*handler)(int sig);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static tls_initial bool blocked; /* blocked by us, not by the program */

static bool pipe_ignored(void)
{
	struct kernel_action act;

	return !SYS_CALL(__NR_rt_sigaction, SIGPIPE, NULL, &act, sizeof(act.mask), 0, 0) &&
	       act.handler == SIG_IGN;
}

void sigpipe_begin(struct sigpipe_hold *hold)
{
	uint64_t pipe = PIPE_BIT;
	uint64_t pending = 0;

	hold->ignored = pipe_ignored();
	if (hold->ignored)
		return;
	sys_sigprocmask(SIG_BLOCK, &pipe, &hold->mask);
	if (hold->mask & PIPE_BIT)
		sys_sigpending(&pending);
	else
		store_relaxed(&blocked, true);
	hold->pending = pending & PIPE_BIT;
}

/*
 * Take away the signal that the kernel sent for our call; one that somebody else sent meanwhile is sent on.
 */
static void take(void)
{
	const struct timespec now = { 0 };
	uint64_t pipe = PIPE_BIT;
	siginfo_t info;

	if (SYS_CALL(__NR_rt_sigtimedwait, &pipe, &info, &now, sizeof(pipe), 0, 0) == SIGPIPE &&
	    info.si_pid != sys_getpid())
		SYS_CALL(__NR_kill, sys_getpid(), SIGPIPE, 0, 0, 0, 0);
}

void sigpipe_end(const struct sigpipe_hold *hold, bool raise)
{
	if (hold->ignored)
		return;
	if (!raise && !hold->pending)
		take();
	sigpipe_recover();
}

void sigpipe_recover(void)
{
	uint64_t pipe = PIPE_BIT;

	if (!blocked)
		return;
	store_relaxed(&blocked, false);
	sys_sigprocmask(SIG_UNBLOCK, &pipe, NULL);
}
