/* SPDX-License-Identifier: MIT */
/* Whether a byte of the image is believed: whose file it is, and who may write it. */
#ifndef CORE_IMAGE_TRUST_H
#define CORE_IMAGE_TRUST_H

#include "core/image/image.h"

/* What must be true of the file before a byte of it is believed. */
int image_trust(struct image *image, bool allow_shared, const char **why,
		enum rawcache_reason *reason);

#endif
