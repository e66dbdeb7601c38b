/* SPDX-License-Identifier: MIT */
/* How slow the origin is: latency per request, and one shared link. */
#ifndef ORIGIN_PACE_H
#define ORIGIN_PACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum pace_kind { PACE_NONE, PACE_META, PACE_READ, PACE_COUNT };

void pace_set_latency(enum pace_kind kind, int64_t ns);
int64_t pace_get_latency(enum pace_kind kind);

/* Bytes per second for all READs together; 0: no limit. */
void pace_set_bandwidth(uint64_t bytes_per_s);
uint64_t pace_get_bandwidth(void);

/* Both wait, and fail as wait_until() does. */
int pace_latency(pid_t caller, enum pace_kind kind);
int pace_transfer(pid_t caller, size_t bytes);

#endif
