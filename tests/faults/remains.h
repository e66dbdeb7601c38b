/* SPDX-License-Identifier: MIT */
/* What may be left of processes in what they share with others: how much of it there is. */
#ifndef REMAINS_H
#define REMAINS_H

#include <rawcache/embed.h>

unsigned int pins_left(const struct rawcache *cache);
unsigned int holds_left(const struct rawcache *cache);
unsigned int flights_left(const struct rawcache *cache);
/* Locks that nobody else may have now. */
unsigned int locks_left(struct rawcache *cache);

#endif
