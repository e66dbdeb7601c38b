/* SPDX-License-Identifier: MIT */
/* The files in the directory of segments: /dev/shm, or RAWCACHE_RUNTIME_DIR. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#define NAMES_SEGMENT "rawcache-"
#define NAMES_ASIDE "rawcache-aside-"

/*
 * Call `look` for each name in `dir` (NULL: /dev/shm) that begins with `prefix`; `fd` is the directory's
 * descriptor.
 */
void names_each(const char *dir, const char *prefix,
		void (*look)(int fd, const char *name, void *arg), void *arg);

#endif
