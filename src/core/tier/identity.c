/* SPDX-License-Identifier: MIT */
#include "core/tier/identity.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "core/origin/origin.h"
#include "core/tier/derive.h"
#include "core/tier/seal.h"

#define KEY_VERSION 2u /* goes up when a chunk gets another key */
/* For many small files the round trips take longer than the bytes. */
#define SIZE_MIN (64u << 10)
/* Two seconds, for which files must be unchanged anyway, and two for clocks that differ. */
#define SETTLED_NS (UINT64_C(4) * 1000000000)

/* All that tells one chunk from another; the rest of the path follows behind it. */
struct name {
	uint32_t version, epoch;
	char data_set[64];
	uint64_t size;
	int64_t mtime_sec, ctime_sec;
	uint32_t mtime_nsec, ctime_nsec;
	uint64_t inode;
	uint64_t chunk;
	uint64_t print[2];
	uint32_t chunk_bytes, path_bytes;
	char path[PATH_MAX];
};

bool identity_may(const struct file *file)
{
	return load_relaxed(&file->tier.state) != TIER_NEVER && file->path &&
	       file->size >= SIZE_MIN;
}

/* At the file's first use: find out its data set. */
static bool file_learn(struct setup *setup, struct file *file, int fd)
{
	const struct setup_name *name;
	struct origin origin;
	struct statx stx;
	int32_t number;

	if (!identity_may(file) || sys_fstatx(fd, &stx))
		return false;
	origin_of(fd, &stx, &origin);
	if (origin.packed || origin.special)
		return false;
	name = setup_find(setup, file->path);
	if (name && !strcmp(name->name, "-"))
		return false;
	number = name ? (int32_t)(name - setup->name) : derive_name(setup, fd, file->path);
	if (number < 0)
		return false;
	store_relaxed(&file->tier.name, (uint32_t)number);
	return true;
}

static bool settled(const struct identity *identity)
{
	uint64_t now = clock_real_ns();
	uint64_t changed = (uint64_t)identity->mtime_sec * 1000000000u + identity->mtime_nsec;

	return now > SETTLED_NS && changed < now - SETTLED_NS;
}

bool identity_known(struct setup *setup, struct file *file, int fd)
{
	uint32_t fresh = TIER_NEW;

	if (load_relaxed(&file->tier.state) == TIER_NEW) {
		bool known = file_learn(setup, file, fd);

		cas(&file->tier.state, &fresh, known ? TIER_UNPROVEN : TIER_NEVER);
	}
	return identity_may(file) && settled(&file->identity);
}

bool identity_make(struct setup *setup, struct file *file, int fd, uint64_t chunk,
		   uint32_t chunk_bytes, const uint64_t print[2], uint8_t key[WIRE_KEY])
{
	const struct identity *identity = &file->identity;
	const struct setup_name *data_set;
	struct name name;
	const char *rest;
	int n;

	if (!identity_known(setup, file, fd))
		return false;
	data_set = &setup->name[load_relaxed(&file->tier.name)];
	rest = setup_rest(data_set, file->path);
	if (!rest)
		return false;
	memset(&name, 0, offsetof(struct name, path));
	name.version = KEY_VERSION;
	name.epoch = data_set->epoch;
	strcpy(name.data_set, data_set->name);
	name.size = identity->size;
	name.mtime_sec = identity->mtime_sec;
	name.mtime_nsec = identity->mtime_nsec;
	/* if inode numbers are the server's, so is this time */
	if (identity->inode) {
		name.inode = identity->inode;
		name.ctime_sec = identity->ctime_sec;
		name.ctime_nsec = identity->ctime_nsec;
	}
	name.chunk = chunk;
	name.print[0] = print[0];
	name.print[1] = print[1];
	name.chunk_bytes = chunk_bytes;
	n = snprintf(name.path, sizeof(name.path), "%s%s", data_set->prefix, rest);
	if (n >= (int)sizeof(name.path))
		return false;
	name.path_bytes = (uint32_t)n;
	seal_name(key, &name, offsetof(struct name, path) + name.path_bytes);
	return true;
}
