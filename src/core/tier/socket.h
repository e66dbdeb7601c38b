/* SPDX-License-Identifier: MIT */
/* Sockets by base/sys.h, for a thread with descriptors of its own. Only socket_sleep() waits. */
#ifndef CORE_TIER_SOCKET_H
#define CORE_TIER_SOCKET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct socket_wait {
	struct pollfd poll;
};

/* Returns a descriptor, or -errno. `under_way`: socket_error() will tell whether it is connected. */
int socket_dial(const struct sockaddr_storage *address, socklen_t length, bool *under_way);
int socket_error(int fd); /* 0: connected; or -errno */

/*
 * Whether an error of socket_dial() is not the server's fault: this process may not connect, or has no network for
 * it.
 */
bool socket_own_error(int error);

/*
 * Send `head`, then `data`, without the first `skip` bytes of both. Returns the number of bytes taken, or
 * -errno.
 */
ssize_t socket_send(int fd, const char *head, size_t head_bytes, const char *data,
		    size_t data_bytes, size_t skip);
ssize_t socket_receive(int fd, void *to, size_t n);

/* Of what was sent, bytes that the other side's kernel, or on one machine the other process, has not taken yet. */
uint32_t socket_unsent(int fd);

struct socket_wait socket_waits(int fd, bool to_write);
void socket_sleep(struct socket_wait *wait, uint32_t count, long ns);
bool socket_may_read(const struct socket_wait *wait);
bool socket_may_write(const struct socket_wait *wait);

/*
 * Whether the calling thread has a seccomp filter of its program, which may kill a process that makes a socket.
 * Filters that the first process of a container has as well belong to the container's runtime, which lets programs
 * use the network.
 */
bool socket_forbidden(void);

/*
 * A number of the calling thread's network namespace; 0: it cannot be known. A container has its own 127.0.0.1, on
 * which nothing may listen, and the segment may be the machine's.
 */
uint64_t socket_network(void);

#endif
