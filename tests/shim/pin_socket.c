/* SPDX-License-Identifier: MIT */
/*
 * What is queued in a socket stays what it was: pin_socket IMAGE
 *
 * Sends an object to a TCP connection whose peer does not read, overwrites the whole cache
 * several times, and lets the peer read then: what is queued must be right, and so must be the
 * rest of a call that waited for room meanwhile. Prints "sendfile" or "copied" for the way, and
 * fails if a byte is wrong.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rawcache/image.h>
#include <rawcache/object.h>

#define OBJECT (400u << 10)

static void fail(const char *what, long n)
{
	fprintf(stderr, "pin_socket: %s: %ld\n", what, n);
	exit(1);
}

/* A connection with itself: s[0] sends, s[1] reads. */
static void connect_pair(int s[2], int room, int flags)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t n = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, n) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &n))
		fail("listen", 0);
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	connect(s[0], (struct sockaddr *)&address, n);
	s[1] = accept(listener, NULL, NULL);
	close(listener);
	if (s[1] < 0 || fcntl(s[0], F_SETFL, flags))
		fail("accept", s[1]);
}

static void store(struct rawcache *cache, uint32_t key, char value, char *bytes, size_t n)
{
	int err;

	memset(bytes, value, n);
	err = rawcache_store(cache, &key, sizeof(key), bytes, n, 0);
	if (err)
		fail("store", err);
}

static uint64_t evicted(struct rawcache *cache)
{
	struct rawcache_stats stats;

	rawcache_stats_total(cache, &stats, sizeof(stats));
	return stats.evicted_regions;
}

/* Overwrite everything `times` times. */
static void go_round(struct rawcache *cache, int times, char *bytes, size_t n)
{
	struct rawcache_image_info info;
	uint64_t until;

	rawcache_info(cache, &info, sizeof(info));
	until = evicted(cache) + (uint64_t)times * info.region_count;
	for (uint32_t key = 100; evicted(cache) < until; key++)
		store(cache, key, 'B', bytes, n);
}

static size_t queue(struct rawcache *cache, uint32_t key, int socket)
{
	size_t sent = 0;
	ssize_t n;

	do {
		n = rawcache_sendfile_to_socket(cache, &key, sizeof(key), socket, sent,
						OBJECT - sent);
		if (n > 0)
			sent += (size_t)n;
	} while (n > 0);
	return sent;
}

static size_t wrong_bytes(int socket, size_t n)
{
	char buf[65536];
	size_t wrong = 0;
	ssize_t got;

	while (n && (got = read(socket, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < got; i++)
			wrong += buf[i] != 'A';
		n -= (size_t)got;
	}
	return wrong + n;
}

struct sender {
	struct rawcache *cache;
	uint32_t key;
	int socket;
};

static void *sender_main(void *arg)
{
	struct sender *sender = arg;

	queue(sender->cache, sender->key, sender->socket);
	close(sender->socket);
	return NULL;
}

/* In a call that waits for its peer the region is pinned. */
static size_t wrong_waiting(struct rawcache *cache, char *bytes)
{
	struct sender sender = { .cache = cache, .key = 2 };
	pthread_t thread;
	size_t wrong;
	int s[2];

	connect_pair(s, 16 << 10, 0);
	store(cache, sender.key, 'A', bytes, OBJECT);
	sender.socket = s[0];
	if (pthread_create(&thread, NULL, sender_main, &sender))
		fail("thread", 0);
	usleep(50000); /* it waits by now; if not, nothing is wrong */
	go_round(cache, 3, bytes, OBJECT);
	wrong = wrong_bytes(s[1], OBJECT);
	pthread_join(thread, NULL);
	close(s[1]);
	return wrong;
}

int main(int argc, char **argv)
{
	struct rawcache_options options;
	struct rawcache *cache;
	size_t sent;
	size_t wrong;
	size_t waiting;
	char *bytes;
	int err;
	int s[2];

	if (argc < 2)
		return 2;
	rawcache_options_init(&options, sizeof(options));
	options.device = argv[1];
	options.allow_shared = 1;
	err = rawcache_attach(&options, &cache, NULL);
	if (err)
		fail("attach", err);
	bytes = malloc(rawcache_value_max(cache));
	connect_pair(s, 4 << 20, O_NONBLOCK);
	store(cache, 1, 'A', bytes, OBJECT);
	sent = queue(cache, 1, s[0]);
	go_round(cache, 3, bytes, OBJECT);
	wrong = wrong_bytes(s[1], sent);
	waiting = wrong_waiting(cache, bytes);
	printf("%s %zu bytes queued, %zu wrong; %zu wrong of a call that waited\n",
	       rawcache_zero_copy_available(cache) & RAWCACHE_ZERO_COPY_SENDFILE ? "sendfile" :
										   "copied",
	       sent, wrong, waiting);
	rawcache_detach(cache);
	return wrong || waiting || sent < 100000;
}
