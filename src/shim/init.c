/* SPDX-License-Identifier: MIT */
/*
 * The constructor: no more than has to be done before main(), because every program that is
 * started pays for it. It runs before all other constructors (-z initfirst), libc's included,
 * so what libc sets up there is taken from the arguments.
 */
#include "shim/symbols.h"

#include "shim/attach.h"
#include "shim/process.h"
#include "shim/track.h"

__attribute__((constructor)) static void shim_init(int argc, char **argv, char **envp)
{
	symbols_resolve();
	if (!environ)
		environ = envp;
	attach_init(argc > 0 && argv[0] ? argv[0] : "");
	if (!attach_active)
		return;
	process_init();
	track_inherited();
}
