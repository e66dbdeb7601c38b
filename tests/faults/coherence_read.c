/* SPDX-License-Identifier: MIT */
/* Readers: all ways to read. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "coherence.h"
#include "pattern.h"

#define THREADS 2
#define OPEN_FILES 4

const char *const way_names[] = { "read", "pread", "mmap", "stdio", "sendfile" };

struct reader {
	uint64_t random;
	char *buf;
	int sockets[2];
	struct opened open[OPEN_FILES];
};

static tls_initial sigjmp_buf *volatile fault_place;

static void on_fault(int sig)
{
	if (fault_place)
		siglongjmp(*fault_place, 1);
	signal(sig, SIG_DFL);
}

static void low_note(struct opened *o)
{
	const struct history *h = &shared->file[o->number];

	o->sizes = load_acquire(&h->sizes);
	for (uint32_t b = 0; b < BLOCKS; b++)
		o->low[b] = load_acquire(&h->block[b].done);
}

static bool opened_open(struct opened *o, uint32_t number)
{
	struct stat st;

	o->number = number;
	low_note(o);
	o->fd = open(file_path(number, ""), O_RDONLY | O_CLOEXEC);
	if (o->fd < 0 || fstat(o->fd, &st)) /* renamed away for the moment */
		return false;
	o->inode = st.st_ino;
	return true;
}

/* What was told since, of the file that is open: readers look at it before their next byte. */
static void low_raise(struct opened *o)
{
	const struct history *h = &shared->file[o->number];
	uint32_t told[BLOCKS];
	uint32_t sizes = load_acquire(&h->size_told);

	for (uint32_t b = 0; b < BLOCKS; b++)
		told[b] = load_acquire(&h->block[b].told);
	fence_full();
	if (load_acquire(&h->inode) != o->inode)
		return;
	for (uint32_t b = 0; b < BLOCKS; b++)
		o->low[b] = told[b] > o->low[b] ? told[b] : o->low[b];
	o->sizes = (int32_t)(sizes - o->sizes) > 0 ? sizes : o->sizes;
}

static ssize_t read_mapped(struct reader *reader, const struct opened *o, size_t n, uint64_t offset)
{
	uint64_t start = offset & ~UINT64_C(4095);
	size_t length = n + (size_t)(offset - start);
	struct stat st;
	sigjmp_buf place;
	volatile ssize_t got = -1;
	char *p;

	/* no further than the file goes: natively that is a SIGBUS, too */
	if (fstat(o->fd, &st) || (uint64_t)st.st_size < offset + n)
		return -1;
	p = mmap(NULL, length, PROT_READ, offset & 4096 ? MAP_SHARED : MAP_PRIVATE, o->fd,
		 (off_t)start);
	if (p == MAP_FAILED)
		return -1;
	if (!sigsetjmp(place, 1)) {
		fault_place = &place;
		memcpy(reader->buf, p + (offset - start), n);
		got = (ssize_t)n;
	}
	fault_place = NULL; /* after a fault: it was cut short meanwhile */
	munmap(p, length);
	return got;
}

/* A stream is opened for each read: what it has buffered it may keep. */
static ssize_t read_stream(struct reader *reader, struct opened *o, size_t n, uint64_t offset)
{
	FILE *file;
	ssize_t got = -1;
	struct stat st;

	low_note(o);
	file = fopen(file_path(o->number, ""), "re");
	if (!file)
		return -1;
	if (!fstat(fileno(file), &st) && !fseeko(file, (off_t)offset, SEEK_SET))
		got = (ssize_t)fread(reader->buf, 1, n, file);
	fclose(file);
	return got;
}

static ssize_t read_sent(struct reader *reader, const struct opened *o, size_t n, uint64_t offset)
{
	off_t at = (off_t)offset;
	ssize_t sent = sendfile(reader->sockets[0], o->fd, &at, n < 32768 ? n : 32768);
	ssize_t have = 0;

	usleep((useconds_t)(pattern_random(&reader->random) % 200));
	while (have < sent) {
		ssize_t got = recv(reader->sockets[1], reader->buf + have, (size_t)(sent - have),
				   0);

		if (got <= 0)
			return -1;
		have += got;
	}
	return sent;
}

static ssize_t read_way(struct reader *reader, struct opened *o, enum way way, size_t n,
			uint64_t offset)
{
	switch (way) {
	case WAY_READ:
		return lseek(o->fd, (off_t)offset, SEEK_SET) < 0 ? -1 : read(o->fd, reader->buf, n);
	case COPY_PREAD:
		return pread(o->fd, reader->buf, n, (off_t)offset);
	case WAY_MMAP:
		return read_mapped(reader, o, n, offset);
	case WAY_STDIO:
		return read_stream(reader, o, n, offset);
	default:
		return read_sent(reader, o, n, offset);
	}
}

static void reader_step(struct reader *reader)
{
	uint64_t r = pattern_random(&reader->random);
	struct opened *o = &reader->open[r % OPEN_FILES];
	struct opened stream;
	enum way way = (enum way)((r >> 8) % WAYS);
	size_t n = 1 + (size_t)((r >> 16) % (r >> 12 & 3 ? 6000 : READ_MAX));
	uint64_t offset = (r >> 36) % (BLOCKS * BLOCK);
	ssize_t got;

	if (o->fd >= 0 && !((r >> 60) % 8)) {
		close(o->fd);
		o->fd = -1;
	}
	if (o->fd < 0 && !opened_open(o, (uint32_t)((r >> 50) % FILES))) {
		if (o->fd >= 0)
			close(o->fd);
		o->fd = -1;
		return;
	}
	if (n > BLOCKS * BLOCK - offset)
		n = BLOCKS * BLOCK - (size_t)offset;
	if (way == WAY_STDIO) {
		stream = *o;
		o = &stream;
	} else {
		low_raise(o);
	}
	got = read_way(reader, o, way, n, offset);
	if (got < 0)
		return;
	fetch_add(&shared->reads[way], 1);
	fetch_add(&shared->bytes, (uint64_t)got);
	check_bytes(o, way, reader->buf, (size_t)got, offset);
	if (way != WAY_SENDFILE && (size_t)got < n)
		check_end(o, way, offset + (uint64_t)got);
}

static void *reader_thread(void *arg)
{
	struct reader *reader = arg;

	for (int i = 0; i < OPEN_FILES; i++)
		reader->open[i].fd = -1;
	reader->buf = malloc(READ_MAX);
	if (!reader->buf || socketpair(AF_UNIX, SOCK_STREAM, 0, reader->sockets))
		give_up("socketpair");
	while (!load_acquire(&shared->stop) && !load_relaxed(&shared->bad))
		reader_step(reader);
	return NULL;
}

int reader_main(uint64_t random)
{
	static struct reader readers[THREADS];
	pthread_t threads[THREADS];

	signal(SIGBUS, on_fault);
	for (int i = 0; i < THREADS; i++) {
		readers[i].random = pattern_random(&random);
		if (pthread_create(&threads[i], NULL, reader_thread, &readers[i]))
			return 2;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
