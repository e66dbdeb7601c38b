/* SPDX-License-Identifier: MIT */
/* The preload object, and its place in LD_PRELOAD. */
#ifndef CLI_PRELOAD_H
#define CLI_PRELOAD_H

#include <stddef.h>

/*
 * Find the object: $RAWCACHE_PRELOAD alone if it is set, else beside or below this executable
 * (a build tree, a moved installation), else where it was installed. GO_ON or a status.
 */
int preload_find(char *path, size_t n);

/*
 * The value of LD_PRELOAD that adds `object` to `old` (may be NULL): behind runtimes of
 * sanitizers, which insist on being first, and before all else. An object of ours that is
 * there already is replaced: two would cache twice; with `object` NULL it is taken out. The
 * caller frees it; NULL: no memory.
 */
char *preload_compose(const char *object, const char *old);

#endif
