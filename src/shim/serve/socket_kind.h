/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor is that something large is written to. The kernel is asked each time, for the number may be
 * another one's by now; one that is no stream socket is asked less and less often.
 */
#ifndef SHIM_SOCKET_KIND_H
#define SHIM_SOCKET_KIND_H

#include <stdbool.h>

/* A stream socket whose bytes sendfile() may bring; *kind: PRICE_TCP, or 0. */
bool socket_kind(int fd, unsigned int *kind);

#endif
