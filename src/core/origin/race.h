/* SPDX-License-Identifier: MIT */
/*
 * A read of the origin that an answer from elsewhere may still overtake: the first one that has the bytes ends the
 * request, and the other one drops what it has, and touches nothing of the request but its `lost`.
 *
 *	NONE -> QUEUED -> ON -> OVER
 *	  ^________|  the answer came before the read was begun: it is not read
 *
 * The reader has taken request->buf before ON; the rival has a buffer of its own, which becomes the request's.
 */
#ifndef CORE_RACE_H
#define CORE_RACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum race { RACE_NONE, RACE_QUEUED, RACE_ON, RACE_OVER };

/* For the helper that takes the request: whether it races. */
static inline bool race_take(uint32_t *race)
{
	uint32_t seen = RACE_QUEUED;

	return cas(race, &seen, RACE_ON);
}

/* The answer has come. Returns true if nobody has begun to read: whoever takes the request finds the answer. */
static inline bool race_settle(uint32_t *race)
{
	uint32_t seen = RACE_QUEUED;

	return cas(race, &seen, RACE_NONE);
}

/* Whether the caller is the first of the two. */
static inline bool race_win(uint32_t *race)
{
	uint32_t seen = RACE_ON;

	return cas(race, &seen, RACE_OVER) || seen == RACE_NONE;
}

#endif
