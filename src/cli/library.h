/* SPDX-License-Identifier: MIT */
/*
 * Libraries that a few commands need are loaded when they are used: at the start of `rawcache run` each took as
 * long as a small program.
 */
#ifndef CLI_LIBRARY_H
#define CLI_LIBRARY_H

#include <stdbool.h>

/* A table X(name) makes a struct of pointers to functions, and the list of their names. */
#define LIBRARY_POINTER(name) __typeof__(name) *name;
#define LIBRARY_NAME(name) #name "\0"

/*
 * Load `file` once, and set the pointers at `functions` to what it has below `names`, each of which ends with a
 * zero byte. False: it cannot be loaded, or lacks one of them.
 */
bool library_load(const char *file, const char *names, void *functions);

/* Say that `what` needs the library; returns a status. */
int library_refuse(const char *what, const char *file);

#endif
