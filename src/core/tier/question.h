/* SPDX-License-Identifier: MIT */
/*
 * One question, from its command to its last answer. All but question_put() is done by the helper of link.h.
 *
 *	asked -> a value | a miss | late | an error: over
 *	  ^---> another machine fetches it: asked again after a nap, until the origin would have had it several times
 *	late: the origin is read, and the first that has the chunk wins
 */
#ifndef CORE_TIER_QUESTION_H
#define CORE_TIER_QUESTION_H

#include "core/tier/tier.h"

/* Put the question. `ask` must have key, server and patience. ask->tell is called when the question is over. */
void question_put(struct tier_ask *ask, bool read_only);

#endif
