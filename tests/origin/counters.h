/* SPDX-License-Identifier: MIT */
/* Counters of what the kernel asked of the origin. */
#ifndef ORIGIN_COUNTERS_H
#define ORIGIN_COUNTERS_H

#include <stddef.h>

enum op {
#define OP(id, name, pace) OP_##id,
#include "op_tbl.h"
#undef OP
	OP_COUNT
};

/* A request arrived; it is in flight until the matching counters_leave(). */
void counters_enter(enum op op);

/* Called before the reply is sent: who has its answer finds it counted. */
void counters_leave(enum op op);

void counters_add_read(size_t bytes);
void counters_add_written(size_t bytes);

/* An injected error was given as the answer. */
void counters_add_failed(void);

/* A request began (+1) or ended (-1) to wait in a stall. */
void counters_stalled(int delta);

/* Zeroes all but the gauges; the maxima restart from what is in flight. */
void counters_reset(void);

/* Writes "name value" lines, returns their length. */
size_t counters_format(char *buf, size_t size);

const char *op_name(enum op op);

/* The op named @name ("read"), or OP_COUNT. */
enum op op_by_name(const char *name);

#endif
