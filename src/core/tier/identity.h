/* SPDX-License-Identifier: MIT */
/* Which chunk of which file of which data set: the key under which all machines find it. */
#ifndef CORE_TIER_IDENTITY_H
#define CORE_TIER_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/origin/file.h"
#include "core/tier/setup.h"
#include "core/tier/wire.h"

/* A glance, without looking anything up: whether the file may have a place in the tier. */
bool identity_may(const struct file *file);

/*
 * The key, with the hash of the file's first chunk, or zeros. False: the file has none: it belongs to no
 * named data set, is small, lies on a packed file system, or changed a moment ago.
 */
bool identity_make(struct setup *setup, struct file *file, int fd, uint64_t chunk,
		   uint32_t chunk_bytes, const uint64_t print[2], uint8_t key[WIRE_KEY]);

/* Whether the file belongs to a named data set of this kind at all; learns it at its first use. */
bool identity_known(struct setup *setup, struct file *file, int fd);

#endif
