/* SPDX-License-Identifier: MIT */
/*
 * Names of data sets that nobody has named: of NFS mounts, whose source is the same on all machines. A file is called
 * by its server, and by its path there: "server:/export" mounted at /a and "server:/" mounted at /b have one name for
 * what is below both.
 */
#ifndef CORE_TIER_DERIVE_H
#define CORE_TIER_DERIVE_H

#include "core/tier/setup.h"

/* From the words of a line of /proc/self/mountinfo. False: they make no name. */
bool derive_words(const struct setup *setup, const char *type, const char *source, const char *root,
		  const char *point, struct setup_name *name);

/* Of the mount that `fd` lies on, if `path` is below it: its number in setup->name, or -1. */
int32_t derive_name(struct setup *setup, int fd, const char *path);

#endif
