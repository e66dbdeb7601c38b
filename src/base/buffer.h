/* SPDX-License-Identifier: MIT */
/* Page-aligned buffers of one chunk, kept warm between fills, with a page behind them that faults. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#define BUFFER_BYTES (256u << 10) /* the largest chunk: FORMAT_CHUNK_MAX */

/* NULL: no memory. The contents are anything. */
char *buffer_get(void);
void buffer_put(char *buffer);

#endif
