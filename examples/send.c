/* SPDX-License-Identifier: MIT */
/*
 * An object on its way to a socket, without a copy: send IMAGE KEY
 *
 * Sends what is stored under KEY through a pair of sockets, inside the kernel where the image allows it, and
 * writes what comes out at the other end to standard output. A server would have its connection instead.
 *
 *	cc send.c $(pkg-config --cflags --libs librawcache) -o send
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rawcache/object.h>

/* What is there of the object from `offset` on goes to the socket, as much as that takes now. */
static ssize_t send_some(struct rawcache *cache, const char *key, int socket, uint64_t offset)
{
	return rawcache_sendfile_to_socket(cache, key, strlen(key), socket, offset, 64 << 10);
}

/* `n` bytes of what arrives. */
static int show(int socket, ssize_t n)
{
	char buf[64 << 10];

	while (n > 0) {
		ssize_t got = read(socket, buf, sizeof(buf) < (size_t)n ? sizeof(buf) : (size_t)n);

		if (got <= 0 || fwrite(buf, 1, (size_t)got, stdout) != (size_t)got)
			return -EIO;
		n -= got;
	}
	return 0;
}

static int send_all(struct rawcache *cache, const char *key)
{
	uint64_t offset = 0;
	int pair[2];
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -errno;
	while ((n = send_some(cache, key, pair[0], offset)) > 0 && !show(pair[1], n))
		offset += (uint64_t)n;
	close(pair[0]);
	close(pair[1]);
	return n > 0 ? -EIO : (int)n;
}

int main(int argc, char **argv)
{
	struct rawcache_options options;
	enum rawcache_reason reason;
	struct rawcache *cache;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: send IMAGE KEY\n");
		return 2;
	}
	rawcache_options_init(&options, sizeof(options));
	options.device = argv[1];
	if (rawcache_attach(&options, &cache, &reason)) {
		fprintf(stderr, "send: %s: %s\n", argv[1], rawcache_reason_text(reason));
		return 1;
	}
	if (!(rawcache_zero_copy_available(cache) & RAWCACHE_ZERO_COPY_SENDFILE))
		fprintf(stderr, "send: this image's bytes are copied\n");
	err = send_all(cache, argv[2]);
	if (err)
		fprintf(stderr, "send: %s: %s\n", argv[2], strerror(-err));
	rawcache_detach(cache);
	return err != 0;
}
