/* SPDX-License-Identifier: MIT */
/* Socket writes of cached bytes: what shim_elide.c and its parts share. */
#ifndef SHIM_ELIDE_H
#define SHIM_ELIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define MESSAGE_MAX (8u << 20)

/* What arrives, in pieces of odd sizes and with pauses. */
struct peer {
	pthread_t thread;
	int fd;
	char *got;
	size_t n;
};

enum { WRITE, SEND, SEND_NOSIGNAL, SEND_DONTWAIT, SEND_MORE, SENDTO, WRITEV, SENDMSG, WAYS };

extern const char *path;
extern char *want; /* the file's bytes, read without the cache */
extern const char *const ways[];

/* shim_elide.c */
void ok(bool good, const char *what);
void die(const char *what);
/* Write [at, at + n) of `from` and say whether the bytes of `bytes` came. */
bool passes(bool tcp, char *from, size_t n, const char *bytes);

/* shim_elide_peer.c */
void pair(int s[2], bool tcp);
void peer_start(struct peer *peer, int fd);
/* True if exactly these bytes came. */
bool peer_end(struct peer *peer, const char *bytes, size_t n);
/* One call for bytes in up to three places. */
ssize_t call(int way, int fd, struct iovec *iov, int n);
bool send_all(int way, int fd, struct iovec *iov, int n);

/* shim_elide_errors.c */
void broken(bool tcp, int way, bool handled);
/* A socket that is full: EAGAIN, and what went before is a prefix. */
void full(bool tcp, int way);
/* A signal ends a write that waits: with what was sent, or EINTR. */
void interrupted(bool tcp);

/* shim_elide_leave.c */
void leave(void);

#endif
