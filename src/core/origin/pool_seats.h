/* SPDX-License-Identifier: MIT */
/*
 * The thread ids of helpers. A thread that has ended still exists for a moment, with its credentials: who must know
 * that none is left looks whether the kernel still has one of them.
 */
#ifndef CORE_ORIGIN_POOL_SEATS_H
#define CORE_ORIGIN_POOL_SEATS_H

#include <stdbool.h>

/* For the calling thread. If no seat is free, it goes without one and is not waited for. */
void pool_seat_take(void);

/* Whether a thread exists that took one. */
bool pool_seats_taken(void);

/* Call in a fork child: the threads are the parent's. */
void pool_seats_clear(void);

#endif
