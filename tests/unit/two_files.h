/* SPDX-License-Identifier: MIT */
/* What several tests begin with: an image, and two files of the same size that a cache has open. */
#ifndef UNIT_TWO_FILES_H
#define UNIT_TWO_FILES_H

#include "unit/unit.h"

extern char path[512];	       /* of the image */
extern struct rawcache *cache; /* NULL: not attached */
extern uint64_t file_a, file_b;
extern int fd_a, fd_b;

/* Make the image, called `image`, and the files "a" (number 1) and "b" (number 2) of `bytes` bytes. Returns 0. */
int two_files_make(const char *image, uint64_t image_bytes, size_t bytes);

/* Attach, and open both. */
void two_files_attach(void);

/* A teardown of cmocka: detach, and close both. */
int two_files_close(void **state);

#endif
