/* SPDX-License-Identifier: MIT */
#include "shim/symbols.h"

#include "shim/thread.h"

#include <rawcache/zerocopy.h>

#include "base/guard.h"
#include "base/stack.h"

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
	if (stack_is_alternate())
		return false;
	thread_give_back();
	return true;
}
