/* SPDX-License-Identifier: MIT */
/* Making an image where there is none. */
#ifndef CLI_CREATE_H
#define CLI_CREATE_H

#include <stddef.h>
#include <stdint.h>

#include "cli/target.h"

/*
 * Make the target's image if nothing is there; the directories of the default one too. Any
 * number of commands may do so at once: a lock lets one of them work and the others wait, and
 * the image appears under its name when it is complete. GO_ON or a status.
 */
int create_if_missing(const struct target *target);

/* Say why the image at `path` could not be made, by the library's words or its error. A status. */
int create_refused(const char *path, const char *message, int err);

/* The size for a new image where so much is free: at most a tenth of that, and 10 GiB. */
uint64_t create_share(uint64_t free_bytes);

/*
 * The size for a new image in the file system of `path`, by create_share() of its
 * free space. GO_ON or a status (too little is free).
 */
int create_default_size(const char *path, uint64_t *size);

/*
 * The name of a file that may not exist yet, with its directory made canonical, so that
 * programs that change their directory still find it. `what` names it in complaints.
 */
int create_absolute(const char *path, const char *what, char *absolute, size_t n);

#endif
