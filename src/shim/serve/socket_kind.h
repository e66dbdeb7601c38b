/* SPDX-License-Identifier: MIT */
/*
 * The kind of a descriptor to which a large write goes. The kernel is asked each time, because the number
 * may mean another one by now; one that is no stream socket is asked less and less often.
 */
#ifndef SHIM_SOCKET_KIND_H
#define SHIM_SOCKET_KIND_H

#include <stdbool.h>

/* Whether it is a stream socket to which sendfile() may send; *kind: SEND_TCP, or 0. */
bool socket_kind(int fd, unsigned int *kind);

#endif
