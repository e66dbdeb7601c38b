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
/* Questions to other machines; beside the readers, who would wait for ever for a place that the next question takes. */
#define ASKING_HELPERS 2u /* one of them may have to open the file first */
#define LIGHT_HELPERS \
	4u /* chunks that other machines have sent: unsealed at more than 1 GB/s each */
#define LOOKING_HELPERS 2u /* each waits up to 20 ms for more files to look at */
/* The most helpers that all lanes need. */
#define LANES_HELPERS (LANES * (LANE_HELPERS + ASKING_HELPERS + LIGHT_HELPERS + LOOKING_HELPERS))

/* Under the pool's lock: a place in the lane of the request's device, for jobs of its kind. NULL: none is left. */
uint32_t *lane_enter(const struct io_request *request);

/*
 * A helper that was to ask must read the mount itself: it changes its place for a reader's. False: none is left, and
 * it keeps the one it has.
 */
bool lane_reads(uint32_t **place);

/* The job has ended. Any thread, without a lock. */
void lane_leave(uint32_t *place);

/* The helpers are the parent's. */
void lanes_fork_child(void);

#endif
