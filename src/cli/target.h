/* SPDX-License-Identifier: MIT */
/*
 * The image a command works on: --cache, else RAWCACHE_DEVICE, else the default one. Errors
 * come out as one sentence that says what to do.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include <limits.h>
#include <stdbool.h>

#include <rawcache/image.h>

#include "base/config.h"

struct target {
	struct config config;
	char path[PATH_MAX];
	bool fallback; /* nobody named an image: the default one */
};

/*
 * Read the configuration and choose the image. Variables that cannot be parsed are warned
 * about, and their defaults used. GO_ON or a status; on GO_ON owes target_close().
 */
int target_open(struct target *target, const char *cache);
void target_close(struct target *target);

/* Choose the image for a configuration that is in target->config already. */
int target_choose(struct target *target, const char *cache);

/* Whether the image is not trusted, because it belongs to a user who is neither root nor this one. */
bool target_foreign(const struct target *target);

/* How a command uses an image. */
enum target_use {
	TARGET_LOOK,   /* reads it, and takes no slot */
	TARGET_ATTACH, /* is one of its users */
	TARGET_CHANGE, /* writes it: what may only be read is refused */
};

/* The library's options: those of the configuration, and the loader that the tier's library comes by. */
void target_options(const struct config *config, struct rawcache_options *options);

/* Attach and say nothing: 0 or -errno with *reason. The other functions that attach say what to do. */
int target_try(const struct target *target, enum target_use use, struct rawcache **cache,
	       enum rawcache_reason *reason);

/* Attach. GO_ON, which owes a rawcache_detach(), or a status. */
int target_attach(const struct target *target, enum target_use use, struct rawcache **cache);

/* Open the target that `option` (--cache) names and attach to it. GO_ON, which owes a target_leave(), or a status. */
int target_enter(struct target *target, const char *option, enum target_use use,
		 struct rawcache **cache);
void target_leave(struct target *target, struct rawcache *cache);

/* The directory of the runtime segment. */
const char *target_runtime_dir(const struct target *target);

/* The file of the record of the frozen tree at `path`, which lies beside the image. GO_ON or a status. */
int target_frozen_name(const struct target *target, const char *path, char *name, size_t n);

/*
 * Say that the image could not be used for something: "cannot WHAT PATH", and what to do about the
 * library's error. A status.
 */
int target_failed(const struct target *target, const char *what, int err);

/* What the image is, from its superblock. GO_ON or a status. */
int target_info(const struct target *target, struct rawcache_image_info *info);

#endif
