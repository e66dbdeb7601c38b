/* SPDX-License-Identifier: MIT */
/*
 * Two machines may have different files by the same name, size and time. So each process reads the first chunk of a
 * file from the origin, and its hash is in the keys of all others: what is put by a machine whose file begins with
 * other bytes is never found, and where the tier has another first chunk, that is told. One in SAMPLE of the others is
 * compared.
 *
 *	UNPROVEN -> PROVING -> PROVEN
 *	    ^__________|  the origin could not be read
 *
 * Small files are too many to have a chunk of each read twice: of one in SMALL_SAMPLE a chunk is compared.
 */
#ifndef CORE_TIER_PROOF_H
#define CORE_TIER_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/tier/tier.h"

bool proof_small(const struct file *file);

/*
 * The hash of the first chunk is known, or becomes so: `buf` is for it. Waits for another thread's reading for as long
 * as the origin is expected to take. ask->have: `buf` has the first chunk, and it was asked for.
 */
bool proof_first(struct file *file, struct tier_ask *ask, int fd, void *buf, uint32_t chunk_bytes,
		 uint64_t expected);

enum proof { PROOF_USE, PROOF_READ, PROOF_DIFFERS };

/*
 * `buf` has what the tier has. PROOF_READ: the origin is read, and proof_end() told if ask->compare is set.
 */
enum proof proof_use(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length,
		     uint64_t expected);

/* The same while another helper reads the origin: nothing is compared but with what is known. */
bool proof_agrees(const struct file *file, const struct tier_ask *ask, const void *buf,
		  uint32_t length);

/* `buf` has the origin's bytes, if they are `good`. False: they differ. */
bool proof_end(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length,
	       bool good);

#endif
