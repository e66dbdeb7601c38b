/* SPDX-License-Identifier: MIT */
/* What the files that implement runtime.h share. */
#ifndef CORE_SEGMENT_H
#define CORE_SEGMENT_H

#include "core/shared/runtime.h"

/* --- segment_layout.c */

uint64_t layout_fingerprint(void);

/* Set the addresses of the parts and return the size; with `base` NULL only the size is computed. */
uint64_t runtime_place(struct runtime *runtime, char *base, const struct image *image);

/* --- segment.c */

int runtime_path(char *path, size_t room, const uint8_t uuid[16], const char *dir);

/* Open the existing segment, if it is the one that the image's users have. */
int runtime_open(struct runtime *runtime, const struct image *image, const uint8_t boot_id[16]);

/*
 * Make a segment. The caller holds LOCK_USERS exclusively: nobody is attached, so an existing file belongs
 * to nobody.
 */
int runtime_create(struct runtime *runtime, struct image *image, const uint8_t boot_id[16]);

/* --- robust_lock.c */

int robust_lock_init(pthread_mutex_t *lock);

#endif
