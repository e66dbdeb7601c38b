/* SPDX-License-Identifier: MIT */
/*
 * SIGSEGV and SIGBUS. A copy from the cache may fault, on a bad buffer of the program or a
 * failing image, so from the attachment on the process has a handler of ours for both. The
 * program does not see it: hooks_signal.c keeps the program's own disposition here, and what is
 * not our fault is handed on as the kernel would have done.
 */
#ifndef SHIM_SIGNALS_H
#define SHIM_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Once, at the attachment. */
void signals_install(void);

/* `sig` is one of ours, and installed: its disposition is to be read and set here. */
bool signals_kept(int sig);

/* A disposition was set past us, by who had not seen that signals_kept() has become true. */
void signals_claim(int sig);

/* Other threads of the parent may have been at it. */
void signals_fork_child(void);

/* Like sigaction() for a kept signal; cannot fail. */
void signals_exchange(int sig, const struct sigaction *act, struct sigaction *old);

#endif
