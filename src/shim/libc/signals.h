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
#include <stdint.h>

/* Once, at the attachment. */
void signals_install(void);

/* `sig` is one of ours, and installed: its disposition is to be read and set here. */
bool signals_kept(int sig);

/* A thread that had not seen signals_kept() become true has set a disposition past us. */
void signals_claim(int sig);

/* In a fork child: another thread of the parent may have been in the middle of a change. */
void signals_fork_child(void);

/* Like sigaction() for a kept signal; cannot fail. */
void signals_exchange(int sig, const struct sigaction *act, struct sigaction *old);

/*
 * No handler blocks SIGSEGV and SIGBUS, or a fault of a copy within it would kill. What the
 * program asked for is noted for each signal, for it to be told when it asks.
 */
extern uint8_t signals_hidden[NSIG];
uint8_t signals_mask_hide(sigset_t *mask);
void signals_mask_show(sigset_t *mask, uint8_t bits);

/*
 * Around what executes another program, which inherits that a signal is ignored: the kernel has to
 * know it meanwhile.
 */
void signals_lend(void);
void signals_return(void);

#endif
