/* SPDX-License-Identifier: MIT */
/* Signals around reads: what shim_signals.c and its parts share. */
#ifndef SHIM_SIGNALS_H
#define SHIM_SIGNALS_H

#include <setjmp.h>
#include <signal.h>

extern const char *path;
extern int shared_fd;
extern sigjmp_buf back;
extern volatile unsigned long signals;

/* shim_signals.c */
void result(int good, const char *name);

/* shim_signals_faults.c */
void faults(void);

/* shim_signals_masks.c */
/* The kernel kills where a fault is blocked: copies of such threads must not fault so. */
void blocked(void);
/* A handler from before the cache is attached. */
void adopted_begin(void);
void adopted(void);
void dispositions(const stack_t *stack);

#endif
