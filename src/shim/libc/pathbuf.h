/* SPDX-License-Identifier: MIT */
/*
 * Buffers for paths. The hooks run on stacks that somebody else measured: a crash reporter that
 * opens /proc/self/maps on an alternate stack of 8 KiB must not be the first to crash.
 */
#ifndef SHIM_PATHBUF_H
#define SHIM_PATHBUF_H

#include <limits.h>

struct pathbuf {
	char path[PATH_MAX];
};

/* NULL when there is no memory. A signal handler may ask, too: no lock. */
struct pathbuf *pathbuf_get(void);
void pathbuf_put(struct pathbuf *buf);

#endif
