/* SPDX-License-Identifier: MIT */
/*
 * Handing open files from the helpers' descriptor table to the program's. Meanwhile a file lies in a socket, where
 * it has no number. So it takes none of the program's numbers, and dropping it does not drop the program's POSIX
 * locks, as closing any descriptor of a file does. The kernel gives it the lowest free number when it is taken out,
 * as open() would. The socket's two ends lie in the program's table, with high numbers, and helpers import them.
 * Messages leave the socket in the order in which they were put in. The functions are not thread-safe unless they
 * say so.
 */
#ifndef CORE_HANDOVER_H
#define CORE_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

/* For a thread of the program: make the socket, if it is not made yet. 0 or -errno. */
int handover_prepare(void);

/* For the first helper thread: leave the program's descriptor table, but keep the socket. 0 or -errno. */
int handover_begin(void);

/* For a helper: put `fd`, which stays open, into the socket. 0 or -errno. Any thread. */
int handover_put(uint32_t number, int fd);

/*
 * For a thread of the program: take the next message out, which is `number`. Returns a descriptor, or
 * -errno: nothing was taken, or it was dropped.
 */
int handover_take(uint32_t number, bool close_on_exec);

/* Drop the next message. `helper`: the caller is one. False: there is none. */
bool handover_drop(bool helper);

/* Whether `fd` is one of the socket's ends in the program's table. */
bool handover_owns(int fd);

/* Call in a fork child: the socket is its parent's, who goes on using it. */
void handover_fork_child(void);

#endif
