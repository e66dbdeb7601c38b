/* SPDX-License-Identifier: MIT */
/*
 * The constructor does no more than must be done before main(), because every program that starts pays for
 * it. It runs before all other constructors (-z initfirst), libc's included, so what libc sets up there is
 * taken from the arguments. The destructor counts what is known only at the end.
 */
#include "shim/libc/symbols.h"

#include <rawcache/embed.h>

#include "base/critical.h"
#include "base/stack.h"

#include "shim/libc/start_pages.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"
#include "shim/files/ahead.h"
#include "shim/files/loaded.h"
#include "shim/files/names.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"
#include "shim/table/watch.h"

at_start __attribute__((constructor)) static void shim_init(int argc, char **argv, char **envp)
{
	if (!environ)
		environ = envp;
	if (attach_asked())
		start_pages();
	symbols_init();
	attach_init(argc > 0 && argv[0] ? argv[0] : "");
	if (!attach_active)
		return;
	attach_number = past_number;
	stack_notes(!sign_any());
	process_init();
	names_init();
	tree_init();
	track_inherited();
}

/*
 * exit() takes no time without us, and handlers may count on things that are gone by then (an
 * alternate stack in main()'s frame): what comes of timers and other processes from here on finds
 * no program any more. What ends a program, or comes of its own last writes, does. Without helper threads
 * there is nothing to wait for, and a program that has confined itself may not make this call.
 */
at_start __attribute__((destructor)) static void shim_fini(void)
{
	const uint64_t late = signal_bit(SIGALRM) | signal_bit(SIGVTALRM) | signal_bit(SIGPROF) |
			      signal_bit(SIGIO) | signal_bit(SIGUSR1) | signal_bit(SIGUSR2) |
			      ~UINT64_C(0) << 33;

	loaded_count();
	ahead_order_save();
	rawcache_opens_drop(false);
	if (attach_cache_now() && rawcache_helper_threads())
		sys_sigprocmask(SIG_BLOCK, &late, NULL);
}
