/* SPDX-License-Identifier: MIT */
/*
 * The address sanitizer ends programs whose list of libraries it does not lead, as it would where
 * we are preloaded. It works behind us as well: what it replaces is what our hooks call next. It
 * asks for its options before it looks. A program that answers itself comes before us; the option
 * is then for its environment.
 */
#include "shim/libc/symbols.h"

const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}
