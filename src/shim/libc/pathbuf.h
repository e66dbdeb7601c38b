/* SPDX-License-Identifier: MIT */
/*
 * Buffers for paths. The hooks run on stacks whose size the program chose: a crash reporter that opens
 * /proc/self/maps on an alternate stack of 8 KiB must not crash itself.
 */
#ifndef SHIM_PATHBUF_H
#define SHIM_PATHBUF_H

#include <limits.h>

struct pathbuf {
	char path[PATH_MAX];
};

/* NULL: no memory. Takes no lock, so signal handlers may call it. */
struct pathbuf *pathbuf_get(void);
void pathbuf_put(struct pathbuf *buf);

#endif
