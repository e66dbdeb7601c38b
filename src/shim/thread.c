/* SPDX-License-Identifier: MIT */
#include "shim/symbols.h"

#include "shim/thread.h"

#include <rawcache/zerocopy.h>

#include "base/guard.h"
#include "base/sys.h"

#include "shim/quiet.h"

tls_initial uintptr_t thread_frame;

void thread_give_back(void)
{
	guard_recover();
	quiet_recover();
	rawcache_thread_recover();
}

bool never_inline thread_recover(void)
{
	stack_t stack;

	if (!SYS_CALL(__NR_sigaltstack, NULL, &stack, 0, 0, 0, 0) && stack.ss_flags & SS_ONSTACK)
		return false;
	thread_give_back();
	return true;
}
