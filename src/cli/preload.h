/* SPDX-License-Identifier: MIT */
/* The preload object, and its place in LD_PRELOAD. */
#ifndef CLI_PRELOAD_H
#define CLI_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Find the object: $RAWCACHE_PRELOAD alone if it is set, else beside or below this executable
 * (a build tree, a moved installation), else where it was installed. GO_ON or a status.
 */
int preload_find(char *path, size_t n);

/* Whether programs that have the object can use an image beside this command: both are of one version. */
bool preload_fits(const char *path);

/* Warn if not; with `path` NULL, about the object that `rawcache run` would take, if there is one. */
void preload_judge(const char *path);

/*
 * The value of LD_PRELOAD that adds `object` to `old` (may be NULL): behind runtimes of
 * sanitizers, which insist on being first, and before all else. An object of ours that is
 * there already is replaced: two would cache twice; with `object` NULL it is taken out. The
 * caller frees it; NULL: no memory.
 */
char *preload_compose(const char *object, const char *old);

#endif
