/* SPDX-License-Identifier: MIT */
/*
 * Files that others change while they are open, read in all the ways that there are, by processes whose
 * descriptors are used, closed and opened past the hooks as well: see torture.h and calls.h. All bytes are checked,
 * and so is whose they are: each word names its file and place.
 *
 *	rawcache run --path DIRECTORY ... -- torture_ways DIRECTORY BACKING SECONDS SEED strict|late PLUGIN
 *
 * A process has one kind of other calls, the first one none: it never has a sign of calls past the hooks, and is
 * served as most programs are.
 */
#include "faults/torture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/compiler.h"
#include "faults/calls.h"
#include "pattern.h"

#define THREADS 3
#define FDS 3
#define CHUNK 65536u /* what a socket takes at once */

struct opened {
	int fd;
	uint32_t file, number; /* of the life */
};

struct reader {
	uint64_t random;
	uint64_t *buf;
	const struct calls *other;
	int ends[2];
	struct opened open[FDS];
};

static const struct calls *calls;
static const char *plugin;

/* One of the two. */
static const struct calls *any(struct reader *reader)
{
	return pattern_random(&reader->random) & 1 ? reader->other : calls_get(0, NULL);
}

/* --- opening and closing; the numbers go round between the threads */

static void opened_begin(struct reader *reader, struct opened *o)
{
	char path[4096];
	uint64_t word = 0;

	o->file = (uint32_t)(pattern_random(&reader->random) % FILES);
	o->number = 0;
	snprintf(path, sizeof(path), "%s/f%u", directory, o->file);
	o->fd = any(reader)->open(path);
	if (o->fd < 0)
		give_up(path);
	if (pread(o->fd, &word, 8, 0) != 8)
		return;
	if (word && (word >> 28 & 15) != o->file) {
		struct read read = { .file = o->file, .life = &shared->life[o->file][0], .n = 8 };

		bad(&read, "bytes of file %u by a new descriptor", (unsigned int)(word >> 28 & 15));
	}
	o->number = life_of(o->file, word);
}

static void opened_end(struct reader *reader, struct opened *o)
{
	if (any(reader)->close(o->fd))
		give_up("close");
	o->fd = -1;
}

/* What one slot means becomes what another means, with the number as it is. */
static void opened_copy(struct reader *reader, struct opened *from, struct opened *to)
{
	if (from == to || from->fd < 0 || to->fd < 0)
		return;
	if (any(reader)->dup2(from->fd, to->fd) != to->fd)
		give_up("dup2");
	to->file = from->file;
	to->number = from->number;
}

/* --- ways; *n becomes what may have been asked for */

static ssize_t by_position(struct reader *reader, int fd, size_t *n, off_t at)
{
	if (lseek(fd, at, SEEK_SET) != at)
		return -1;
	return any(reader)->read(fd, reader->buf, *n);
}

static ssize_t by_vector(struct reader *reader, int fd, size_t *n, off_t at, int flags)
{
	struct iovec iov[2] = { { reader->buf, BLOCK },
				{ (char *)reader->buf + BLOCK, *n - BLOCK } };

	return preadv2(fd, iov, *n > BLOCK ? 2 : 1, at, flags);
}

static ssize_t by_sendfile(struct reader *reader, int fd, size_t *n, off_t at)
{
	ssize_t sent, have = 0;

	sent = sendfile(reader->ends[0], fd, &at, *n < CHUNK ? *n : CHUNK);
	while (have < sent) {
		ssize_t got = recv(reader->ends[1], (char *)reader->buf + have,
				   (size_t)(sent - have), 0);

		if (got <= 0)
			give_up("recv");
		have += got;
	}
	/* it may be short wherever it likes */
	*n = sent > 0 ? (size_t)sent : *n;
	return sent;
}

static ssize_t by_stream(struct reader *reader, int fd, size_t *n, off_t at)
{
	int copy = dup(fd);
	FILE *stream = copy < 0 ? NULL : fdopen(copy, "r");
	size_t got;

	if (!stream || fseeko(stream, at, SEEK_SET))
		give_up("stream");
	got = fread(reader->buf, 1, *n, stream);
	fclose(stream);
	return (ssize_t)got;
}

/* No more than the file surely has: what lies beyond its end is no bytes. */
static ssize_t by_map(struct reader *reader, int fd, size_t *n, off_t at)
{
	char *p;

	*n = BLOCK;
	if (at)
		return 0;
	p = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		give_up("mmap");
	/* by a call, which says EFAULT where the file has ended */
	if (write(reader->ends[0], p, BLOCK) != BLOCK) {
		munmap(p, BLOCK);
		return 0;
	}
	munmap(p, BLOCK);
	return recv(reader->ends[1], reader->buf, BLOCK, MSG_WAITALL);
}

static ssize_t way_read(struct reader *reader, int fd, size_t *n, off_t at, uint64_t way)
{
	switch (way) {
	case 0:
	case 1:
		return by_position(reader, fd, n, at);
	case 2:
		return any(reader)->pread(fd, reader->buf, *n, at);
	case 3:
		return by_vector(reader, fd, n, at, 0);
	case 4:
		return by_vector(reader, fd, n, at, RWF_HIPRI);
	case 5:
		return by_sendfile(reader, fd, n, at);
	case 6:
		return by_stream(reader, fd, n, at);
	case 7:
		return by_map(reader, fd, n, at);
	default:
		return pread(fd, reader->buf, *n, at);
	}
}

/* True: there was something to check. */
static bool read_one(struct reader *reader, struct opened *o, uint64_t first, size_t n,
		     uint64_t way)
{
	struct read read;
	ssize_t got;

	read_begin(&read, o->file, o->number, first);
	read.loose = way == 7;
	got = way_read(reader, o->fd, &n, (off_t)(first * BLOCK), way);
	if (got < 0 && errno == ESTALE)
		return false;
	if (got < 0)
		give_up("read");
	if (read.loose && !got)
		return false;
	read.words = reader->buf;
	read.n = (size_t)got - (size_t)got % 8;
	read_end(&read, o->number, n);
	return got == (ssize_t)n;
}

/* Where the last read ended, somebody else reads on. */
static void read_on(struct reader *reader, struct opened *o, uint64_t first)
{
	struct read read;
	ssize_t got;

	read_begin(&read, o->file, o->number, first);
	got = any(reader)->read(o->fd, reader->buf, 2 * BLOCK);
	if (got < 0 && errno == ESTALE)
		return;
	if (got < 0)
		give_up("read on");
	read.words = reader->buf;
	read.n = (size_t)got - (size_t)got % 8;
	read_end(&read, o->number, 2 * BLOCK);
}

static void reader_read(struct reader *reader, struct opened *o, uint64_t r)
{
	size_t blocks = 1 + (size_t)(r & 1 ? r >> 8 & 7 : (r >> 8) % READ_BLOCKS);
	uint64_t first = r >> 40 & 1 ? 0 : (r >> 24) % BLOCKS;
	uint64_t way = (r >> 44) % 12;

	if (way == 7 && !strict) /* the kernel's pages of FUSE are as old as they like */
		way = 8;
	if (read_one(reader, o, first, blocks * BLOCK, way) && way <= 1)
		read_on(reader, o, first + blocks);
}

static void reader_step(struct reader *reader, uint64_t r)
{
	struct opened *o = &reader->open[r % FDS];

	r >>= 4;
	if (r % 16 == 0) {
		opened_end(reader, o);
		opened_begin(reader, o);
	} else if (r % 16 == 1) {
		opened_copy(reader, &reader->open[(r >> 8) % FDS], o);
	} else if (o->number) {
		reader_read(reader, o, r >> 8);
	} else {
		opened_end(reader, o);
		opened_begin(reader, o);
	}
	if (r % 64 == 5)
		usleep(20000);
}

static void *reader_thread(void *arg)
{
	struct reader reader = { .random = (uint64_t)(uintptr_t)arg,
				 .buf = malloc((READ_BLOCKS + 8) * BLOCK) };

	if (!reader.buf || socketpair(AF_UNIX, SOCK_STREAM, 0, reader.ends))
		give_up("reader");
	/* half of the time as everybody, so that there is something in the cache by then */
	reader.other = calls_get(0, NULL);
	for (int i = 0; i < FDS; i++)
		opened_begin(&reader, &reader.open[i]);
	for (uint64_t steps = 0; !load_acquire(&shared->stop); steps++) {
		if (steps == 200)
			reader.other = calls;
		reader_step(&reader, pattern_random(&reader.random));
	}
	free(reader.buf);
	return NULL;
}

static int reader_main(uint32_t id, uint64_t random)
{
	pthread_t thread[THREADS];

	calls = calls_get(id, plugin);
	if (!calls)
		give_up("other calls");
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
	if (argc != 7)
		return 2;
	plugin = argv[6];
	return torture(argv, CALLS, reader_main);
}
