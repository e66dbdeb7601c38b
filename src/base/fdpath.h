/* SPDX-License-Identifier: MIT */
/* The link in /proc by which a descriptor can be opened anew or its path be read. */
#ifndef BASE_FDPATH_H
#define BASE_FDPATH_H

#include <stdio.h>

#define FDPATH_BYTES 32u /* with the terminating zero */

static inline void fdpath(char path[FDPATH_BYTES], int fd)
{
	snprintf(path, FDPATH_BYTES, "/proc/self/fd/%d", fd);
}

/* The same for a thread that may have a descriptor table of its own. */
static inline void fdpath_thread(char path[FDPATH_BYTES], int fd)
{
	snprintf(path, FDPATH_BYTES, "/proc/thread-self/fd/%d", fd);
}

#endif
