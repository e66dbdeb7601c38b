/* SPDX-License-Identifier: MIT */
/* One call by libc's name and by the kernel's, for shim_names.c: errno, or 0, of both. */
#ifndef SHIM_NAMES_H
#define SHIM_NAMES_H

/* shim_names.c */
/* The compiler must not know what a pointer is. */
const char *hidden(const char *p);

/* shim_names_calls.c */
/* errno of libc's call number `call` in [0], of the kernel's in [1] */
void ask(int call, int dir, const char *name, int choice, int answer[2]);
/* Those that take no directory. */
void ask_plain(int call, const char *name, int choice, int answer[2]);
/* Those inside which libc asks: of PATH, too. */
void ask_outer(int call, const char *name, int choice, int answer[2]);
void ask_attribute(const char *name, int choice, int answer[2]);

#endif
