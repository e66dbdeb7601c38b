/* SPDX-License-Identifier: MIT */
/* What tests of regions share: an image that each of them gets anew, and attaches itself. */
#ifndef UNIT_REGIONS_H
#define UNIT_REGIONS_H

#include <stdbool.h>

#include <rawcache/embed.h>

#include "unit/unit.h"

extern char path[512];
extern struct rawcache *cache;

/* regions.c */
int setup(void **state);
int teardown(void **state);
/* Cut until every region has been recycled `rounds` times; false: nothing was to be had. */
bool turn(unsigned int rounds);

#endif
