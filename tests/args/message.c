/* SPDX-License-Identifier: MIT */
/* Sockets: bytes of the cache that are written, messages that carry descriptors. */
#include "args.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static const enum slot sinks[] = { SLOT_SOCKET_OUT, SLOT_SOCKET_OUT, SLOT_SOCKET_OUT, SLOT_PIPE_OUT,
				   SLOT_READER,	    SLOT_CLOSED,     SLOT_NULL };

static void draw_message(void)
{
	static const long flags[] = {
		0, 0, 0, MSG_MORE, MSG_NOSIGNAL, MSG_OOB, MSG_DONTROUTE, 0x8000000
	};
	static const long counts[] = { 0, 1, 2, VECTORS, 1025, -1 };

	a.out = sinks[draw(sizeof(sinks) / sizeof(sinks[0]))];
	a.in = (enum slot)draw(SLOT_PIPE_IN);
	a.n = draw(8) ? draw_small() % 60000 : draw_count();
	if (a.n < ROOM && a.out == SLOT_SOCKET_OUT)
		a.n %= 60000; /* how much more a socket takes depends on how it came */
	a.flags = MSG_DONTWAIT | DRAW_OF(flags);
	a.count = (int)DRAW_OF(counts);
	a.bad = (int)draw(VECTORS);
	a.how = (long)draw(8);
	for (int i = 0; i < VECTORS; i++)
		a.cut[i] = draw(10000);
}

/* From the cache into the buffer first, so that the image has what is sent. */
static void fill_room(struct side *s)
{
	if (pread(s->fd[SLOT_READER], s->room, 100000, (off_t)(a.value % (FILE_SIZE / 2))) < 0)
		memset(s->room, 0, 100000);
	errno = 0;
}

static long call_send(struct side *s)
{
	fill_room(s);
	if (a.how & 1)
		return send(s->fd[a.out], side_buffer(s), a.n, (int)a.flags);
	if (a.how & 2)
		return sendto(s->fd[a.out], side_buffer(s), a.n, (int)a.flags, NULL, 0);
	return a.n > ROOM ? 0 : write(s->fd[a.out], side_buffer(s), a.n);
}

static size_t control_make(struct side *s, char *control, size_t room)
{
	struct cmsghdr *c = (struct cmsghdr *)control;

	memset(control, 0, room);
	c->cmsg_level = a.how & 4 ? SOL_SOCKET : (int)a.value;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = a.at[1] & 1 ? CMSG_LEN(2 * sizeof(int)) : (size_t)a.value % 100;
	memcpy(CMSG_DATA(c), &s->fd[a.in], sizeof(int));
	memcpy(CMSG_DATA(c) + sizeof(int), &s->fd[SLOT_OTHER], sizeof(int));
	return a.at[0] & 1 ? CMSG_SPACE(2 * sizeof(int)) : (size_t)a.at[0] % 64;
}

static void message_make(struct side *s, struct msghdr *m, struct iovec *iov, char *control,
			 size_t n)
{
	fill_room(s);
	side_vectors(s, iov);
	memset(m, 0, sizeof(*m));
	m->msg_iov = iov;
	m->msg_iovlen = (size_t)a.count;
	if (a.how & 2) {
		m->msg_control = a.buffer == POINTER_LOW ? (void *)8 : control;
		m->msg_controllen = control_make(s, control, n);
	}
}

static long call_sendmsg(struct side *s)
{
	struct iovec iov[VECTORS];
	struct msghdr message;
	char control[128];

	message_make(s, &message, iov, control, sizeof(control));
	return sendmsg(s->fd[a.out], a.how ? &message : side_buffer(s), (int)a.flags);
}

static long call_sendmmsg(struct side *s)
{
	struct mmsghdr messages[2] = { 0 };
	struct iovec iov[VECTORS];
	char control[128];

	message_make(s, &messages[0].msg_hdr, iov, control, sizeof(control));
	messages[1] = messages[0];
	return sendmmsg(s->fd[a.out], a.how ? messages : side_buffer(s), (unsigned int)a.how % 3,
			(int)a.flags);
}

/* How many descriptors came; they are closed. */
static long descriptors_close(struct msghdr *message)
{
	long n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at - CMSG_LEN(0), sizeof(fd));
			close(fd);
			n++;
		}
	return n;
}

static long call_recvmsg(struct side *s)
{
	struct iovec iov = { side_buffer(s), a.n };
	char control[128] = { 0 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = a.how & 3 ? sizeof(control) : 0 };
	long got = recvmsg(s->fd[SLOT_SOCKET_IN], &message, MSG_DONTWAIT);

	return got < 0 ? got : got + 1000000 * descriptors_close(&message);
}

const struct kind kinds_message[] = {
	{ "send", draw_message, call_send, 2 },
	{ "sendmsg", draw_message, call_sendmsg, 3 },
	{ "sendmmsg", draw_message, call_sendmmsg, 1 },
	{ "recvmsg", draw_message, call_recvmsg, 3 },
	{ 0 },
};
