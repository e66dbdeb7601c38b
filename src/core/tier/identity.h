/* SPDX-License-Identifier: MIT */
/* The key under which all machines find a chunk: it says which chunk of which file of which data set. */
#ifndef CORE_TIER_IDENTITY_H
#define CORE_TIER_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/origin/file.h"
#include "core/tier/setup.h"
#include "core/tier/wire.h"

/* Whether the file may have a place in the tier. Looks nothing up. */
bool identity_may(const struct file *file);

/*
 * Make the key, with the hash of the file's first chunk, or zeros. Returns false if the file has none: it
 * belongs to no named data set, is small, lies on a packed file system, or changed a moment ago.
 */
bool identity_make(struct setup *setup, struct file *file, int fd, uint64_t chunk,
		   uint32_t chunk_bytes, const uint64_t print[2], uint8_t key[WIRE_KEY]);

/* Whether the file belongs to a named data set; it is found out at the file's first use. */
bool identity_known(struct setup *setup, struct file *file, int fd);

#endif
