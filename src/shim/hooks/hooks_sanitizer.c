/* SPDX-License-Identifier: MIT */
/*
 * The address sanitizer ends a program if it is not the first in the list of libraries, which it is not when
 * we are preloaded. It works behind us as well: our hooks call the functions with which it replaces libc's. It
 * asks for its options before it checks. If the program itself defines them, ours are not used; the option
 * must then be set in its environment.
 */
#include "shim/libc/symbols.h"

const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}

/*
 * The thread sanitizer knows neither our locks nor fences, but replaces memcpy() and its like below us: it would report
 * races in what every program of threads does here, and let it exit with status 66.
 */
const char *__tsan_default_suppressions(void)
{
	return "race:librawcache-preload.so\n";
}

/* It ends the child of a fork that makes a thread, which a helper of ours is, if there was one at the fork. */
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}
