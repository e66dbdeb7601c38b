/* SPDX-License-Identifier: MIT */
/*
 * A mount that stalls must hold up only the helpers that read it: each device has a lane with a limit of helpers, and
 * there are as many helpers as the lanes need.
 */
#ifndef CORE_ORIGIN_IO_LANES_H
#define CORE_ORIGIN_IO_LANES_H

#include "core/origin/io.h"

#define LANES 4u /* devices that are read at the same time; others share lanes */
/*
 * 2 MiB in flight keep a mount of 1 GB/s busy, if its round trip takes 2 ms. With fewer, faster mounts idle; more would
 * take their turns at the server from the program's own calls.
 */
#define LANE_HELPERS 8u
#define LIGHT_HELPERS 2u /* additional ones, for jobs that do not read */
/* The most helpers that all lanes need. */
#define LANES_HELPERS (LANES * (LANE_HELPERS + LIGHT_HELPERS))

/* Under the pool's lock: a place in the lane of the request's device. NULL: it has none left. */
struct lane *lane_enter(const struct io_request *request);

/* The job has ended. Any thread, without a lock. */
void lane_leave(struct lane *lane);

/* The helpers are the parent's. */
void lanes_fork_child(void);

#endif
