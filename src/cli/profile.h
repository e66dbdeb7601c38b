/* SPDX-License-Identifier: MIT */
/*
 * Profiles: files with lines such as RAWCACHE_PATHS=/mnt/nfs, which stand for variables that are
 * not set. Lines that are empty or begin with # say nothing.
 */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct profile {
	char path[PATH_MAX];
	uint64_t given; /* a bit for each row of config_variables() that the profile set */
};

/* ${XDG_CONFIG_HOME:-~/.config}/rawcache/NAME.conf. GO_ON or a status. */
int profile_locate(struct profile *profile, const char *command, const char *name);

/* Put what it says into the environment. GO_ON or a status. */
int profile_apply(struct profile *profile, const char *name);

/* Both, for a command that asks no more about it. */
int profile_use(const char *command, const char *name);

/* Whether the variable got its value from the profile. */
bool profile_gave(const struct profile *profile, const char *variable);

/* Write the profile, with the directories above it. `text` are its lines. GO_ON or a status. */
int profile_write(const struct profile *profile, const char *text);

#endif
