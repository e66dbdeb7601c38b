/* SPDX-License-Identifier: MIT */
/*
 * SIGSEGV and SIGBUS. A copy from the cache may fault, on a bad buffer of the program or a failing image,
 * so once the cache is attached the process has a handler of ours for both. The program does not see it:
 * hooks_signal.c keeps the program's own disposition here, and a fault that is not ours is handed on as the
 * kernel would have done.
 */
#ifndef SHIM_SIGNALS_H
#define SHIM_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Install the handlers; once, when the cache is attached. */
void signals_install(void);

/*
 * Whether `sig` is one of the two, and our handler is installed: its disposition must be read and set here.
 */
bool signals_kept(int sig);

/* Call when a thread that had not yet seen signals_kept() become true has set a disposition past us. */
void signals_claim(int sig);

/* Call in a fork child: another thread of the parent may have been in the middle of a change. */
void signals_fork_child(void);

/* Like sigaction() for a kept signal; cannot fail. */
void signals_exchange(int sig, const struct sigaction *act, struct sigaction *old);

/*
 * No handler may block SIGSEGV or SIGBUS: a fault of a copy in it would kill the program. For each signal
 * this records what the program asked for, which it is told when it asks.
 */
extern uint8_t signals_hidden[NSIG];
uint8_t signals_mask_hide(sigset_t *mask);
void signals_mask_show(sigset_t *mask, uint8_t bits);

/*
 * Must enclose the execution of another program, which inherits that a signal is ignored: the kernel must
 * know it meanwhile.
 */
void signals_lend(void);
void signals_return(void);

#endif
