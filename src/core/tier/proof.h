/* SPDX-License-Identifier: MIT */
/*
 * Two machines may have different files by the same name, size and time. So no byte of the tier is used before
 * one chunk that the tier has of that file was compared with the origin's, in each process, and one in
 * SAMPLE of the others is. Of files of a few chunks one file in SMALL_SAMPLE is compared.
 *
 *	UNPROVEN -> PROVING -> PROVEN, or NEVER: they differ
 *	    ^__________|  the origin could not be read, or the file changed
 */
#ifndef CORE_TIER_PROOF_H
#define CORE_TIER_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/tier/tier.h"

/*
 * `buf` has what the tier has. True: use it. False: the origin is read, and proof_end() told if ask->compare is
 * set. Waits for another thread's comparison for as long as the origin is expected to take.
 */
bool proof_use(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length, uint64_t expected);

/* `buf` has the origin's bytes, if they are `good`. False: they differ. */
bool proof_end(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length, bool good);

#endif
