/* SPDX-License-Identifier: MIT */
/*
 * Files that others change while they are open, all bytes checked: see torture.h. Processes of many threads
 * read them through the cache, by several descriptors each.
 *
 *	rawcache run --path DIRECTORY ... -- torture_change DIRECTORY BACKING SECONDS SEED strict|late
 */
#include "faults/torture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/compiler.h"
#include "pattern.h"

#define READERS 3
#define THREADS 3
#define FDS 3

/* --- readers */

struct opened {
	int fd;
	uint32_t file, number; /* of the life */
};

struct reader {
	uint64_t random;
	uint64_t *buf;
	int ends[2];
	struct opened open[FDS];
};

/* Whose life it is, its bytes tell. */
static void opened_make(struct reader *reader, struct opened *o)
{
	char path[4096];
	uint64_t word;

	o->file = (uint32_t)(pattern_random(&reader->random) % FILES);
	snprintf(path, sizeof(path), "%s/f%u", directory, o->file);
	o->fd = open(path, O_RDONLY);
	if (o->fd < 0)
		give_up(path);
	o->number = 0;
	if (pread(o->fd, &word, 8, 0) == 8)
		o->number = life_of(o->file, word);
}

static ssize_t sendfile_read(struct reader *reader, int fd, size_t n, off_t at)
{
	size_t have = 0;
	ssize_t sent = sendfile(reader->ends[0], fd, &at, n < 65536 ? n : 65536);

	while (sent > 0 && have < (size_t)sent) {
		ssize_t got = recv(reader->ends[1], (char *)reader->buf + have, (size_t)sent - have,
				   0);

		if (got <= 0)
			give_up("recv");
		have += (size_t)got;
	}
	return sent;
}

static ssize_t way_read(struct reader *reader, int fd, size_t *n, off_t at, uint64_t way)
{
	struct iovec iov[3] = { { reader->buf, BLOCK },
				{ (char *)reader->buf + BLOCK,
				  *n > 2 * BLOCK ? *n - 2 * BLOCK : BLOCK },
				{ (char *)reader->buf + *n - BLOCK, BLOCK } };
	ssize_t got;

	switch (way % 5) {
	case 0:
		return lseek(fd, at, SEEK_SET) == at ? read(fd, reader->buf, *n) : -1;
	case 1:
		if (*n > 2 * BLOCK)
			return preadv(fd, iov, 3, at);
		break;
	case 2:
		/* it may be short wherever it likes */
		got = sendfile_read(reader, fd, *n, at);
		*n = got > 0 ? (size_t)got : *n;
		return got;
	}
	return pread(fd, reader->buf, *n, at);
}

static void reader_read(struct reader *reader, struct opened *o, uint64_t r)
{
	size_t n = BLOCK * (1 + (size_t)(r & 1 ? r >> 8 & 7 : (r >> 8) % READ_BLOCKS));
	uint64_t first = r >> 40 & 1 ? 0 : (r >> 24) % BLOCKS;
	struct read read;
	struct stat st;
	ssize_t got;

	if ((r >> 41) % 16 == 0)
		fstat(o->fd, &st);
	if ((r >> 45) % 32 == 0 && (flock(o->fd, LOCK_SH) || flock(o->fd, LOCK_UN)))
		give_up("flock");
	read_begin(&read, o->file, o->number, first);
	got = way_read(reader, o->fd, &n, (off_t)(first * BLOCK), r >> 50);
	if (got < 0 && errno == ESTALE)
		return;
	if (got < 0)
		give_up("read");
	read.words = reader->buf;
	read.n = (size_t)got - (size_t)got % 8;
	read_end(&read, o->number, n);
}

static void *reader_thread(void *arg)
{
	struct reader reader = { .random = (uint64_t)(uintptr_t)arg,
				 .buf = malloc((READ_BLOCKS + 1) * BLOCK) };

	if (!reader.buf || socketpair(AF_UNIX, SOCK_STREAM, 0, reader.ends))
		give_up("reader");
	for (int i = 0; i < FDS; i++)
		opened_make(&reader, &reader.open[i]);
	while (!load_acquire(&shared->stop)) {
		uint64_t r = pattern_random(&reader.random);
		struct opened *o = &reader.open[r % FDS];

		r >>= 4;
		if (o->number && r % 128)
			reader_read(&reader, o, r >> 8);
		if (!o->number || r % 128 == 0) {
			close(o->fd);
			opened_make(&reader, o);
		}
		if (r % 64 == 1)
			usleep(20000);
	}
	free(reader.buf);
	return NULL;
}

static int reader_main(uint32_t id, uint64_t random)
{
	pthread_t thread[THREADS];

	(void)id;
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, reader_thread,
				   (void *)(uintptr_t)(random * 64 + i + 1)))
			give_up("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

int main(int argc, char **argv)
{
	return argc == 6 ? torture(argv, READERS, reader_main) : 2;
}
