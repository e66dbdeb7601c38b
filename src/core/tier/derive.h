/* SPDX-License-Identifier: MIT */
/*
 * Names for data sets that the user has not named: of NFS mounts, whose source is the same on all machines.
 * A file is named by its server and its path there: "server:/export" mounted at /a and "server:/" mounted
 * at /b give one name to what lies below both.
 */
#ifndef CORE_TIER_DERIVE_H
#define CORE_TIER_DERIVE_H

#include "core/tier/setup.h"

/* Make a name from the fields of a line of /proc/self/mountinfo. False: they make none. */
bool derive_words(const struct setup *setup, const char *type, const char *source, const char *root,
		  const char *point, struct setup_name *name);

/* The number, in setup->name, of the name of the mount on which `fd` lies, if `path` is below it; or -1. */
int32_t derive_name(struct setup *setup, int fd, const char *path);

#endif
