/* SPDX-License-Identifier: MIT */
#include "shim/symbols.h"

#include "shim/thread.h"

#include <rawcache/zerocopy.h>

#include "shim/quiet.h"

tls_initial uintptr_t thread_frame;

void never_inline thread_recover(void)
{
	quiet_recover();
	rawcache_thread_recover();
}
