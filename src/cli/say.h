/* SPDX-License-Identifier: MIT */
/* What the command says on standard error: one sentence, one line, in one write. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdbool.h>

#include "base/compiler.h"

/* Why it cannot be done and what to do. Returns STATUS_REFUSED. */
/* There is not enough memory. */
int say_memory(void);

int say_refusal(const char *format, ...) printf_like(1, 2);

/* What is wrong with the call of `command`. Returns STATUS_USAGE. */
int say_usage(const char *command, const char *format, ...) printf_like(2, 3);

/* A warning; the command goes on. */
void say_warning(const char *format, ...) printf_like(1, 2);

/* A plain line. */
void say_note(const char *format, ...) printf_like(1, 2);

/*
 * Ask on the terminal. True when the answer begins with y; false when it does not, or when
 * standard input is no terminal.
 */
bool say_ask(const char *format, ...) printf_like(1, 2);

/* While the screen is in use, keep the latest message; it is printed when the screen is free again. */
void say_hold(bool hold);

#endif
