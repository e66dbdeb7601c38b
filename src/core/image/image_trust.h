/* SPDX-License-Identifier: MIT */
/* Whether the contents of the image are trusted: its owner and its write permissions. */
#ifndef CORE_IMAGE_TRUST_H
#define CORE_IMAGE_TRUST_H

#include "core/image/image.h"

/* Check the owner and the permissions of the file, before anything in it is used. */
int image_trust(struct image *image, bool allow_shared, const char **why,
		enum rawcache_reason *reason);

#endif
