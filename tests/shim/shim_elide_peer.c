/* SPDX-License-Identifier: MIT */
/* Connections, who reads at their other end, and calls that send all of something. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim_elide.h"

static void pair_tcp(int s[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t n = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, n) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &n) ||
	    connect(s[0], (struct sockaddr *)&address, n))
		die("connect");
	s[1] = accept(listener, NULL, NULL);
	close(listener);
}

void pair(int s[2], bool tcp)
{
	int room = 100000;

	if (tcp)
		pair_tcp(s);
	else if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		die("socketpair");
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

static void *peer_run(void *arg)
{
	struct peer *peer = arg;
	unsigned int turn = 0;
	ssize_t n;

	while (peer->n < MESSAGE_MAX &&
	       (n = read(peer->fd, peer->got + peer->n, 1 + turn * 7919 % 200000)) > 0) {
		peer->n += (size_t)n;
		if (++turn % 64 == 0)
			usleep(1000);
	}
	return NULL;
}

void peer_start(struct peer *peer, int fd)
{
	*peer = (struct peer){ .fd = fd, .got = malloc(MESSAGE_MAX) };
	pthread_create(&peer->thread, NULL, peer_run, peer);
}

bool peer_end(struct peer *peer, const char *bytes, size_t n)
{
	bool same;

	pthread_join(peer->thread, NULL);
	same = peer->n == n && !memcmp(peer->got, bytes, n);
	if (!same)
		printf("# %zu bytes arrived of %zu%s\n", peer->n, n,
		       peer->n == n ? ", others" : "");
	free(peer->got);
	close(peer->fd);
	return same;
}

ssize_t call(int way, int fd, struct iovec *iov, int n)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	void *p = iov->iov_base;

	switch (way) {
	case WRITE:
		return write(fd, p, iov->iov_len);
	case SEND:
		return send(fd, p, iov->iov_len, 0);
	case SEND_NOSIGNAL:
		return send(fd, p, iov->iov_len, MSG_NOSIGNAL);
	case SEND_DONTWAIT:
		return send(fd, p, iov->iov_len, MSG_DONTWAIT);
	case SEND_MORE:
		return send(fd, p, iov->iov_len, MSG_MORE);
	case SENDTO:
		return sendto(fd, p, iov->iov_len, 0, NULL, 0);
	case WRITEV:
		return writev(fd, iov, n);
	default:
		return sendmsg(fd, &message, MSG_NOSIGNAL);
	}
}

bool send_all(int way, int fd, struct iovec *iov, int n)
{
	while (n) {
		ssize_t done = iov->iov_len ? call(way, fd, iov, n) : 0;

		if (done < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			poll(&p, 1, 10000);
			continue;
		}
		if (done < 0)
			return false;
		while (n && (size_t)done >= iov->iov_len) {
			done -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n && done) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return true;
}
