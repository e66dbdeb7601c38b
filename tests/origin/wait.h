/* SPDX-License-Identifier: MIT */
/* Waiting, the origin's main occupation: until a time, or until released. */
#ifndef ORIGIN_WAIT_H
#define ORIGIN_WAIT_H

#include <stdint.h>
#include <sys/types.h>

/* To be called once, before there are threads. */
int wait_init(void);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t wait_now(void);

/*
 * Sleeps until @deadline (wait_now() time). -EINTR when the thread @caller (0:
 * unknown), on whose behalf we wait, is being killed; -ESHUTDOWN after
 * wait_stop().
 */
int wait_until(pid_t caller, int64_t deadline);

/* What wait_released() waits to see change. */
uint64_t wait_ticket(void);

/*
 * Sleeps until wait_release() is called later than @ticket was drawn. Fails as
 * wait_until() does, and with -EINTR also when @caller has gone.
 */
int wait_released(pid_t caller, uint64_t ticket);

/* Lets everybody go on who is in wait_released(). */
void wait_release(void);

/* Ends all waiting, now and from now on. */
void wait_stop(void);

#endif
