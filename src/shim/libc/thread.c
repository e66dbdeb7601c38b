/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/libc/thread.h"

#include <rawcache/embed.h>

#include "base/guard.h"
#include "base/stack.h"

#include "shim/libc/sigpipe.h"

tls_initial uintptr_t thread_frame;

void thread_give_back(void)
{
	guard_recover();
	sigpipe_recover();
	rawcache_thread_recover();
}

bool never_inline thread_recover(void)
{
	if (!stack_is_certain())
		return false;
	thread_give_back();
	return true;
}
