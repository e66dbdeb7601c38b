/* SPDX-License-Identifier: MIT */
#include "core/origin/io_lanes.h"

#include "base/compiler.h"
#include "core/origin/file.h"

struct lane {
	uint64_t device;
	uint32_t running; /* up, under the pool's lock, when a job is taken; down when it ends */
};

static struct lane lanes[LANES];

static struct lane *lane_choose(uint64_t device, uint32_t most)
{
	struct lane *empty = NULL;

	for (size_t i = 0; i < LANES; i++) {
		uint32_t running = load_acquire(&lanes[i].running);

		if (running && lanes[i].device == device)
			return running < most ? &lanes[i] : NULL;
		if (!running)
			empty = &lanes[i];
	}
	if (empty)
		empty->device = device;
	return empty;
}

static uint32_t lane_limit(const struct io_request *request)
{
	/* chunks that other machines wait for, or have sent, do not wait for the mount */
	if (request->light || (request->look && request->urgent))
		return LANE_HELPERS + LIGHT_HELPERS;
	/* nor does a question to them; but its helper may have to read the mount, so there is one of these at a time */
	return LANE_HELPERS + request->asks;
}

struct lane *lane_enter(const struct io_request *request)
{
	struct lane *lane = lane_choose(load_relaxed(&request->file->device), lane_limit(request));

	if (lane)
		fetch_add(&lane->running, 1);
	return lane;
}

void lane_leave(struct lane *lane)
{
	fetch_sub(&lane->running, 1);
}

void lanes_fork_child(void)
{
	for (size_t i = 0; i < LANES; i++)
		lanes[i].running = 0;
}
