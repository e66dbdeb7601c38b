/* SPDX-License-Identifier: MIT */
#include "core/origin/io_lanes.h"

#include <string.h>

#include "base/compiler.h"
#include "core/origin/file.h"

enum { READING, ASKING, LIGHT, LOOKING, KINDS };

static const uint32_t limits[KINDS] = { LANE_HELPERS, ASKING_HELPERS, LIGHT_HELPERS,
					LOOKING_HELPERS };

/* The numbers go up under the pool's lock, when a job is taken, and down when it ends. */
struct lane {
	uint64_t device;
	uint32_t running[KINDS];
};

static struct lane lanes[LANES];

static bool lane_empty(const struct lane *lane)
{
	/* READING last: lane_reads() raises it before it lowers ASKING */
	for (int i = KINDS; i-- > 0;)
		if (load_acquire(&lane->running[i]))
			return false;
	return true;
}

/* NULL: all lanes are other devices'. */
static struct lane *lane_choose(uint64_t device)
{
	struct lane *empty = NULL;

	for (size_t i = 0; i < LANES; i++) {
		if (lane_empty(&lanes[i]))
			empty = &lanes[i];
		else if (lanes[i].device == device)
			return &lanes[i];
	}
	if (empty)
		empty->device = device;
	return empty;
}

static int lane_kind(const struct io_request *request)
{
	/* chunks that other machines wait for, or have sent, do not wait for those that read the mount */
	if (request->look && request->urgent)
		return LOOKING;
	if (request->light)
		return LIGHT;
	return request->asks ? ASKING : READING;
}

static uint32_t *lane_take_place(struct lane *lane, int kind)
{
	uint32_t *place = &lane->running[kind];
	uint32_t running = load_acquire(place);

	do {
		if (running >= limits[kind])
			return NULL;
	} while (!cas(place, &running, running + 1));
	return place;
}

uint32_t *lane_enter(const struct io_request *request)
{
	struct lane *lane = lane_choose(load_relaxed(&request->file->device));

	return lane ? lane_take_place(lane, lane_kind(request)) : NULL;
}

bool lane_reads(uint32_t **place)
{
	uint32_t *reading = lane_take_place(container_of(*place, struct lane, running[ASKING]),
					    READING);

	if (!reading)
		return false;
	lane_leave(*place);
	*place = reading;
	return true;
}

void lane_leave(uint32_t *place)
{
	fetch_sub(place, 1);
}

void lanes_fork_child(void)
{
	for (size_t i = 0; i < LANES; i++)
		memset(lanes[i].running, 0, sizeof(lanes[i].running));
}
