/* SPDX-License-Identifier: MIT */
#include "core/tier/socket.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "base/sys.h"

/*
 * Loopback and jumbo frames have such large segments that a window has room for few of them: the last part
 * of a value then waits for a window update, or for a timer of 200 ms.
 */
#define SEGMENT_MAX 16384
#define RECEIVE_BUFFER (1 << 20)

static void option_set(int fd, int level, int name, int value)
{
	SYS_CALL(__NR_setsockopt, fd, level, name, &value, sizeof(value), 0);
}

int socket_dial(const struct sockaddr_storage *address, socklen_t length, bool *under_way)
{
	int fd = (int)SYS_CALL(__NR_socket, address->ss_family,
			       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0, 0);
	int err;

	if (fd < 0)
		return fd;
	if (address->ss_family != AF_UNIX) {
		option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		option_set(fd, IPPROTO_TCP, TCP_MAXSEG, SEGMENT_MAX);
		option_set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	}
	err = (int)SYS_CALL(__NR_connect, fd, address, length, 0, 0, 0);
	*under_way = err == -EINPROGRESS;
	if (!err || *under_way)
		return fd;
	sys_close(fd);
	return err;
}

bool socket_own_error(int error)
{
	static const int own[] = { EAFNOSUPPORT, EPERM,	 EACCES,      EMFILE,	     ENFILE,
				   ENOBUFS,	 ENOMEM, ENETUNREACH, EADDRNOTAVAIL, ENOENT };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (error == -own[i])
			return true;
	return false;
}

int socket_error(int fd)
{
	unsigned int n = sizeof(int);
	int error = 0;
	int err = sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);

	return err ? err : -error;
}

ssize_t socket_send(int fd, const char *head, size_t head_bytes, const char *data,
		    size_t data_bytes, size_t skip)
{
	size_t from = skip < head_bytes ? skip : head_bytes;
	struct iovec parts[2] = {
		{ (char *)head + from, head_bytes - from },
		{ (char *)data + (skip - from), data_bytes - (skip - from) },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	return SYS_CALL(__NR_sendmsg, fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0, 0);
}

ssize_t socket_receive(int fd, void *to, size_t n)
{
	return SYS_CALL(__NR_recvfrom, fd, to, n, MSG_DONTWAIT, NULL, NULL);
}

uint32_t socket_unsent(int fd)
{
	int n = 0;

	return sys_ioctl(fd, SIOCOUTQ, &n) || n < 0 ? 0 : (uint32_t)n;
}

struct socket_wait socket_waits(int fd, bool to_write)
{
	return (struct socket_wait){ { .fd = fd,
				       .events = (short)(POLLIN | (to_write ? POLLOUT : 0)) } };
}

void socket_sleep(struct socket_wait *wait, uint32_t count, long ns)
{
	struct timespec patience = { 0, ns };

	SYS_CALL(__NR_ppoll, wait, count, &patience, NULL, 0, 0);
}

bool socket_may_read(const struct socket_wait *wait)
{
	return wait->poll.revents & (POLLIN | POLLERR | POLLHUP);
}

bool socket_may_write(const struct socket_wait *wait)
{
	return wait->poll.revents & (POLLOUT | POLLERR | POLLHUP);
}

/* The number of seccomp filters that the file `status` reports; -1: it cannot be read. */
static long filters_of(const char *status)
{
	static const char word[] = "\nSeccomp_filters:\t";
	int fd = sys_openat(AT_FDCWD, status, O_RDONLY | O_CLOEXEC, 0);
	char text[4096];
	const char *line;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = sys_read(fd, text, sizeof(text) - 1);
	sys_close(fd);
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, word);
	if (line)
		return strtol(line + sizeof(word) - 1, NULL, 10);
	/* cut, by a long list of groups: the line may come behind it; a kernel without the line has no such filter */
	return n < 0 || (size_t)n == sizeof(text) - 1 ? -1 : 0;
}

uint64_t socket_network(void)
{
	struct statx stx;

	return sys_statx(AT_FDCWD, "/proc/thread-self/ns/net", 0, STATX_INO, &stx) ? 0 :
										     stx.stx_ino;
}

bool socket_forbidden(void)
{
	long own = filters_of("/proc/thread-self/status");

	/* who cannot know it must not try: a filter may end the process at socket() */
	return own < 0 || (own && own > filters_of("/proc/1/status"));
}
