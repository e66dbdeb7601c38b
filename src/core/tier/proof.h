/* SPDX-License-Identifier: MIT */
/*
 * Two machines may have different files with the same name, size and time. So each process reads the first
 * chunk of a file from the origin, and its hash is part of the keys of all other chunks. What is put by a
 * machine whose file begins with other bytes is then never found; and if the tier has another first chunk,
 * that is reported. One in SAMPLE of the other chunks is compared too.
 *
 *   UNPROVEN -> PROVING -> PROVEN
 *       ^__________| the origin could not be read
 *
 * Small files are too many for a chunk of each to be read twice: of one in SMALL_SAMPLE a chunk is
 * compared.
 */
#ifndef CORE_TIER_PROOF_H
#define CORE_TIER_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/tier/tier.h"

bool proof_small(const struct file *file);

/*
 * Find out the hash of the first chunk; `buf` is scratch space for it. If another thread reads that chunk, wait for
 * it as long as the origin is `expected` to take (0: nothing is known of it). If ask->have is set, `buf` has the
 * first chunk already, and it is the one that was asked for.
 */
bool proof_first(struct file *file, struct tier_ask *ask, int fd, void *buf, uint32_t chunk_bytes,
		 uint64_t expected);

enum proof { PROOF_USE, PROOF_READ, PROOF_DIFFERS };

/*
 * `buf` has the tier's bytes. PROOF_READ: the origin must be read, and proof_end() be called if
 * ask->compare is set.
 */
enum proof proof_use(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length,
		     uint64_t expected);

/* The same while another helper reads the origin: `buf` is compared only with hashes that are known already. */
bool proof_agrees(const struct file *file, const struct tier_ask *ask, const void *buf,
		  uint32_t length);

/* `buf` has the origin's bytes if `good`. Returns false if they differ from the tier's. */
bool proof_end(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length,
	       bool good);

#endif
