/* SPDX-License-Identifier: MIT */
/* libfuse's low-level API, in the version that this program is written for. */
#ifndef ORIGIN_FUSE_API_H
#define ORIGIN_FUSE_API_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#endif
