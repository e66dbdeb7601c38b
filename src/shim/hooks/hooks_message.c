/* SPDX-License-Identifier: MIT */
/*
 * Messages that carry descriptors (SCM_RIGHTS): another process gets the description. For messages of
 * cached bytes see elide.h.
 */
#include "shim/libc/symbols.h"

#include <limits.h>
#include <string.h>

#include "base/guard.h"

#include "shim/table/attach.h"
#include "shim/serve/elide.h"
#include "shim/files/fd.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"
#include "shim/table/news.h"

/* Visit the descriptors that the kernel has filled in. */
static void message_each(const struct msghdr *message, void (*visit)(int fd))
{
	struct msghdr *msg = (struct msghdr *)message;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len < CMSG_LEN(0))
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			visit(fd);
		}
	}
}

static bool message_matters(const struct msghdr *message)
{
	return unlikely(attach_active) && message && message->msg_controllen;
}

/* For a message with bytes only: the kernel does not read an address or control data of length 0. */
static bool message_elide(int fd, const struct msghdr *message, int flags, ssize_t *done)
{
	struct msghdr copy;

	if (likely(!attach_cache_now()) || guard_copy(&copy, message, sizeof(copy)) ||
	    copy.msg_name || copy.msg_control || copy.msg_controllen)
		return false;
	return elide_vector(fd, copy.msg_iov, copy.msg_iovlen, flags, done);
}

/*
 * The descriptors that a message is about to carry become shared. The program's structs may be bad in every
 * way: the kernel reports that.
 */
static void message_share(const struct msghdr *message)
{
	struct cmsghdr c;
	struct msghdr msg;
	int fd;

	if (!attach_cache_now() || guard_copy(&msg, message, sizeof(msg)))
		return;
	for (size_t at = 0; at + sizeof(c) <= msg.msg_controllen; at += CMSG_ALIGN(c.cmsg_len)) {
		const char *p = (const char *)msg.msg_control + at;

		if (guard_copy(&c, p, sizeof(c)) || c.cmsg_len < sizeof(c) ||
		    c.cmsg_len > msg.msg_controllen - at)
			return;
		if (c.cmsg_level != SOL_SOCKET || c.cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = CMSG_LEN(0); i + sizeof(fd) <= c.cmsg_len; i += sizeof(fd))
			if (!guard_copy(&fd, p + i, sizeof(fd))) {
				tree_real(fd);
				fd_share(fd);
			}
	}
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t done;

	if (message_elide(fd, message, flags, &done))
		return done;
	if (unlikely(attach_active))
		message_share(message);
	return NEXT(sendmsg)(fd, message, flags);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	for (unsigned int i = 0; attach_active && i < count && i < IOV_MAX; i++)
		message_share(&messages[i].msg_hdr);
	return NEXT(sendmmsg)(fd, messages, count, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t n = NEXT(recvmsg)(fd, message, flags);

	if (n >= 0 && message_matters(message))
		message_each(message, track_received);
	return news_from(n);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
	     struct timespec *timeout)
{
	int n = NEXT(recvmmsg)(fd, messages, count, flags, timeout);

	for (int i = 0; attach_active && i < n; i++)
		if (message_matters(&messages[i].msg_hdr))
			message_each(&messages[i].msg_hdr, track_received);
	news_from(n);
	return n;
}
