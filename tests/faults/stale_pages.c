/* SPDX-License-Identifier: MIT */
/*
 * Whether writes past the page cache of a block device leave old pages in it, while others read the
 * same pages: stale_pages WAY DEVICE SECONDS prints "STALE of WRITES". The way is `async` (O_DIRECT
 * by io_uring: the kernel drops the pages before the write and not after it, so what a reader brings
 * in meanwhile stays), or `sync` (O_DIRECT by pwrite(): as rawcache does it).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <liburing.h>

#define PIECE 65536u
#define SPAN (16 * PIECE)

static int cached, direct;
static bool over;
static const char *map;

static void fail(const char *what)
{
	fprintf(stderr, "stale_pages: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Bring pages in, by system calls and by faults, as fast as they are dropped. */
static void *reader(void *arg)
{
	char buf[4096];
	uint64_t x = (uintptr_t)arg;

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		if (x >> 63)
			(void)!pread(cached, buf, sizeof(buf), (off_t)((x >> 33) % SPAN & ~4095ul));
		else
			(void)*(const volatile char *)&map[(x >> 33) % SPAN];
	}
	return NULL;
}

static void write_async(struct io_uring *ring, const void *buf, off_t at)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;

	io_uring_prep_write(sqe, direct, buf, PIECE, (uint64_t)at);
	if (io_uring_submit(ring) != 1 || io_uring_wait_cqe(ring, &cqe) || cqe->res != (int)PIECE)
		fail("write by io_uring");
	io_uring_cqe_seen(ring, cqe);
}

static bool is_stale(unsigned char value, off_t at)
{
	static unsigned char back[PIECE];

	if (pread(cached, back, PIECE, at) != (ssize_t)PIECE)
		fail("pread");
	for (unsigned int i = 0; i < PIECE; i += 4096)
		if (back[i] != value || (unsigned char)map[at + i] != value)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	bool async = argc == 4 && !strcmp(argv[1], "async");
	time_t end = time(NULL) + (argc == 4 ? atoi(argv[3]) : 0);
	pthread_t thread[2];
	struct io_uring ring;
	uint64_t stale = 0;
	uint64_t n = 0;
	void *buf;

	if (argc != 4)
		return 2;
	cached = open(argv[2], O_RDWR | O_CLOEXEC);
	direct = open(argv[2], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (cached < 0 || direct < 0 || posix_memalign(&buf, 4096, PIECE))
		fail(argv[2]);
	map = mmap(NULL, SPAN, PROT_READ, MAP_SHARED, cached, 0);
	if (map == MAP_FAILED || (async && io_uring_queue_init(8, &ring, 0)))
		fail("io_uring");
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, reader, (void *)(i + 1));
	for (; time(NULL) < end; n++) {
		off_t at = (off_t)(n % (SPAN / PIECE) * PIECE);

		memset(buf, (int)(n / 16 % 255 + 1), PIECE);
		if (async)
			write_async(&ring, buf, at);
		else if (pwrite(direct, buf, PIECE, at) != (ssize_t)PIECE)
			fail("pwrite");
		stale += is_stale((unsigned char)(n / 16 % 255 + 1), at);
	}
	over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("%llu of %llu\n", (unsigned long long)stale, (unsigned long long)n);
	return 0;
}
