/* SPDX-License-Identifier: MIT */
/*
 * Files that others change while they are open, all bytes checked. Writers change files in place, cut
 * them, append and put others in their places, by system calls of their own on BACKING, which nobody
 * announces. Processes of many threads read them through the cache, by several descriptors each.
 *
 *	rawcache run --path DIRECTORY ... -- torture_change DIRECTORY BACKING SECONDS SEED strict|late
 *
 * Each change of a file has a version, which is in all words that it writes; the log in shared memory says
 * which blocks it covers, and when it began and was done. A read from t0 to t1 returns of each block
 *  - no version that had not begun at t1,
 *  - none older than what was done at t0, less BOUND: what the attributes may lag behind,
 *  - strict: none older than the newest version, done at t0, of which this read, or one of this process
 *    that had ended at t0, returned a byte: no mixtures, and nothing old after something new. (Where the
 *    kernel keeps attributes, it mixes versions itself.)
 * Speaks TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "pattern.h"

#define FILES 6u
#define BLOCK 4096u
#define WORDS (BLOCK / 8)
#define BLOCKS 320u
#define LIVES 8u /* of a path: files that had its name; readers of older ones give up */
#define LOG 4096u
#define WRITERS 2
#define READERS 3
#define THREADS 3
#define FDS 3
/* As the manual has it: RAWCACHE_REVALIDATE, and a second of the mount's; a machine that is busy. */
#define BOUND_STRICT_NS (UINT64_C(1500) * 1000000)
#define BOUND_LATE_NS (UINT64_C(4000) * 1000000)
#define READ_BLOCKS 280u

struct change {
	uint64_t done_ns;
	uint32_t first, last; /* blocks [first, last) that it wrote */
	uint32_t blocks;      /* of the file afterwards */
};

struct life {
	uint32_t number;      /* of the life */
	uint32_t begun, done; /* versions; 1 is the first */
	struct change log[LOG];
};

struct shared {
	uint32_t stop, bad;
	uint32_t lives[FILES];
	uint64_t reads, bytes, changes[4];
	char why[300];
	struct life life[FILES][LIVES];
};

static struct shared *shared;
static const char *directory, *backing;
static bool strict;
static uint64_t bound_ns;
static uint32_t floors[FILES][LIVES]; /* newest version that a read of this process returned */

static void give_up(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(99);
}

/* version | life | file | word of the file */
static uint64_t word_of(uint32_t file, uint32_t life, uint32_t version, uint64_t word)
{
	return (uint64_t)version << 40 | (uint64_t)(life & 255) << 32 | (uint64_t)(file & 15) << 28 | word;
}

/* --- writers */

static void blocks_put(int fd, uint32_t file, uint32_t life, uint32_t version, const struct change *c)
{
	static uint64_t buf[BLOCKS * WORDS];
	size_t n = (size_t)(c->last - c->first) * BLOCK;

	for (size_t i = 0; i < n / 8; i++)
		buf[i] = word_of(file, life, version, (uint64_t)c->first * WORDS + i);
	if (n && sys_pwrite(fd, buf, n, (uint64_t)c->first * BLOCK) != (ssize_t)n)
		give_up("write");
}

static void backing_path(char *path, uint32_t file, const char *suffix)
{
	snprintf(path, 4096, "%s/f%u%s", backing, file, suffix);
}

/* Another file of a new life takes the name. */
static void file_replace(uint32_t file, uint64_t r)
{
	uint32_t number = load_relaxed(&shared->lives[file]) + 1;
	struct life *life = &shared->life[file][number % LIVES];
	struct change *c = &life->log[1];
	char from[4096], to[4096];
	int fd;

	store_release(&life->number, 0);
	c->first = 0;
	c->last = c->blocks = 1 + (uint32_t)(r % BLOCKS);
	backing_path(from, file, ".new");
	backing_path(to, file, "");
	fd = sys_openat(AT_FDCWD, from, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		give_up(from);
	blocks_put(fd, file, number, 1, c);
	sys_close(fd);
	c->done_ns = clock_mono_ns();
	store_relaxed(&life->begun, 1);
	store_relaxed(&life->done, 1);
	store_release(&life->number, number);
	store_release(&shared->lives[file], number);
	if (sys_renameat2(from, to, 0))
		give_up("rename");
}

static void file_change(uint32_t file, uint64_t r)
{
	uint32_t number = load_relaxed(&shared->lives[file]);
	struct life *life = &shared->life[file][number % LIVES];
	uint32_t version = life->begun + 1;
	struct change *c = &life->log[version % LOG];
	uint32_t blocks = life->log[life->begun % LOG].blocks;
	uint32_t kind = (uint32_t)(r % 3);
	char path[4096];
	int fd;

	*c = (struct change){ .done_ns = UINT64_MAX, .blocks = blocks };
	if (kind == 0) { /* in place, all or some */
		c->first = r >> 8 & 1 ? 0 : (uint32_t)((r >> 9) % blocks);
		c->last = r >> 8 & 1 ? blocks : c->first + 1 + (uint32_t)((r >> 24) % (blocks - c->first));
	} else if (kind == 1) { /* shorter */
		c->blocks = (uint32_t)((r >> 9) % blocks) + (r >> 20 & 7 ? 1 : 0);
	} else { /* longer */
		c->first = blocks;
		c->last = c->blocks = blocks + (uint32_t)((r >> 9) % (BLOCKS - blocks + 1));
	}
	if (!c->blocks)
		c->first = 0, c->last = c->blocks = 1, kind = 3; /* emptied, and one block again */
	store_release(&life->begun, version);
	fence_full();
	backing_path(path, file, "");
	fd = sys_openat(AT_FDCWD, path, O_RDWR, 0);
	if (fd < 0 || ((kind & 1) && sys_ftruncate(fd, kind == 3 ? 0 : (uint64_t)c->blocks * BLOCK)))
		give_up("change");
	blocks_put(fd, file, number, version, c);
	sys_close(fd);
	store_release(&c->done_ns, clock_mono_ns());
	store_release(&life->done, version);
	fetch_add(&shared->changes[kind], 1);
}

static int writer_main(uint32_t id, uint64_t random)
{
	while (!load_acquire(&shared->stop)) {
		uint32_t file = (uint32_t)(pattern_random(&random) % (FILES / WRITERS)) * WRITERS + id;
		uint64_t r = pattern_random(&random);
		struct life *life = &shared->life[file][shared->lives[file] % LIVES];

		if (r % 23 == 0 || life->begun + 2 >= LOG)
			file_replace(file, r >> 8);
		else
			file_change(file, r >> 8);
		/* sometimes long enough to settle, to be cached, and to be forgotten by the kernel */
		usleep((useconds_t)(r >> 40) % (r & 7 ? 60000 : 2500000));
	}
	return 0;
}

/* --- checking */

struct read {
	uint64_t t0;
	uint32_t file, begun, least, floor;
	struct life *life;
	const uint64_t *words;
	size_t n;
	uint64_t first; /* block */
};

static uint32_t newest_done(const struct life *life, uint64_t at)
{
	uint32_t version = load_acquire(&life->done);

	while (version > 1 && load_acquire(&life->log[version % LOG].done_ns) > at)
		version--;
	return version;
}

/* The version that a block had when `version` was done; 0: it was not there. */
static uint32_t block_at(const struct life *life, uint64_t block, uint32_t version)
{
	for (; version; version--) {
		const struct change *c = &life->log[version % LOG];

		if (block >= c->blocks)
			return 0;
		if (block >= c->first && block < c->last)
			return version;
	}
	return 0;
}

static void __attribute__((format(printf, 2, 3))) bad(const struct read *r, const char *format, ...)
{
	uint32_t none = 0;
	char text[200];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (cas(&shared->bad, &none, 1))
		snprintf(shared->why, sizeof(shared->why),
			 "file %u life %u blocks %llu+%zu: least %u floor %u begun %u: %s", r->file,
			 r->life->number, (unsigned long long)r->first, r->n / BLOCK, r->least, r->floor,
			 r->begun, text);
	else
		fetch_add(&shared->bad, 1);
}

/* The fewest and the most blocks that the file may have had. */
static void sizes_of(const struct read *r, uint32_t *least, uint32_t *most)
{
	*least = BLOCKS;
	*most = 0;
	for (uint32_t v = r->least; v <= r->begun; v++) {
		uint32_t blocks = r->life->log[v % LOG].blocks;

		*least = blocks < *least ? blocks : *least;
		*most = blocks > *most ? blocks : *most;
		/* emptied first */
		if (v > r->least && r->life->log[v % LOG].first == 0 && blocks == 1)
			*least = 0;
	}
}

/* The newest version in the read that was done when it began. */
static uint32_t versions_check(const struct read *r, uint32_t smallest)
{
	uint32_t done = newest_done(r->life, r->t0);
	uint32_t newest = 0;

	for (size_t i = 0; i < r->n / 8; i++) {
		uint64_t at = r->first * WORDS + i;
		uint32_t version = (uint32_t)(r->words[i] >> 40);

		/* a page that the kernel found beyond the end of a file that was cut */
		if (!r->words[i] && !strict && at / WORDS >= smallest)
			continue;
		if (r->words[i] != word_of(r->file, r->life->number, version, at) || version > r->begun) {
			bad(r, "word %zu is %016llx", i, (unsigned long long)r->words[i]);
			return 0;
		}
		if (version <= done && version > newest)
			newest = version;
	}
	return newest;
}

static void blocks_check(const struct read *r, uint32_t version)
{
	for (size_t i = 0; i < r->n / 8; i++) {
		uint64_t block = r->first + i / WORDS;
		uint32_t has = (uint32_t)(r->words[i] >> 40);

		if (r->words[i] && has < block_at(r->life, block, version)) {
			bad(r, "block %llu has version %u, and %u was known", (unsigned long long)block, has,
			    version);
			return;
		}
	}
}

static void floor_raise(uint32_t *floor, uint32_t version)
{
	uint32_t old = load_relaxed(floor);

	while (version > old && !cas(floor, &old, version))
		;
}

static void read_check(struct read *r, size_t wanted)
{
	uint32_t *floor = &floors[r->file][r->life->number % LIVES];
	uint32_t smallest, largest, newest;
	uint64_t end = r->first + r->n / BLOCK;

	r->begun = load_acquire(&r->life->begun);
	if (load_acquire(&r->life->done) + LOG / 2 < r->begun)
		return;
	if (strict && r->floor > r->least)
		r->least = r->floor;
	sizes_of(r, &smallest, &largest);
	newest = versions_check(r, smallest);
	if ((r->n && end > largest) || (r->n < wanted && end < smallest && r->first < smallest))
		bad(r, "it ends at %llu, which was %u to %u", (unsigned long long)end, smallest, largest);
	blocks_check(r, strict && newest > r->least ? newest : r->least);
	/* what was cut off and came again begins anew: versions only grow */
	floor_raise(floor, newest);
	fetch_add(&shared->reads, 1);
	fetch_add(&shared->bytes, r->n);
}

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
	if (pread(o->fd, &word, 8, 0) == 8 && word)
		for (uint32_t i = 0; i < LIVES; i++)
			if ((load_acquire(&shared->life[o->file][i].number) & 255) == (word >> 32 & 255))
				o->number = shared->life[o->file][i].number;
}

static ssize_t sendfile_read(struct reader *reader, int fd, size_t n, off_t at)
{
	size_t have = 0;
	ssize_t sent = sendfile(reader->ends[0], fd, &at, n < 65536 ? n : 65536);

	while (sent > 0 && have < (size_t)sent) {
		ssize_t got = recv(reader->ends[1], (char *)reader->buf + have, (size_t)sent - have, 0);

		if (got <= 0)
			give_up("recv");
		have += (size_t)got;
	}
	return sent;
}

static ssize_t way_read(struct reader *reader, int fd, size_t *n, off_t at, uint64_t way)
{
	struct iovec iov[3] = { { reader->buf, BLOCK },
				{ (char *)reader->buf + BLOCK, *n > 2 * BLOCK ? *n - 2 * BLOCK : BLOCK },
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
	struct life *life = &shared->life[o->file][o->number % LIVES];
	size_t n = BLOCK * (1 + (size_t)(r & 1 ? r >> 8 & 7 : (r >> 8) % READ_BLOCKS));
	struct read read = { .file = o->file, .life = life, .first = (r >> 24) % BLOCKS };
	uint32_t newest;
	struct stat st;
	ssize_t got;

	if (r >> 40 & 1)
		read.first = 0;
	if ((r >> 41) % 16 == 0)
		fstat(o->fd, &st);
	if ((r >> 45) % 32 == 0 && (flock(o->fd, LOCK_SH) || flock(o->fd, LOCK_UN)))
		give_up("flock");
	read.floor = load_acquire(&floors[o->file][o->number % LIVES]);
	fence_full();
	read.t0 = clock_mono_ns();
	newest = newest_done(life, read.t0);
	read.floor = read.floor < newest ? read.floor : newest;
	read.least = newest_done(life, read.t0 - bound_ns);
	got = way_read(reader, o->fd, &n, (off_t)(read.first * BLOCK), r >> 50);
	fence_full();
	if (got < 0 && errno == ESTALE)
		return;
	if (got < 0)
		give_up("read");
	read.words = reader->buf;
	read.n = (size_t)got - (size_t)got % 8;
	if (load_acquire(&life->number) == o->number)
		read_check(&read, n);
}

static void *reader_thread(void *arg)
{
	struct reader reader = { .random = (uint64_t)(uintptr_t)arg, .buf = malloc((READ_BLOCKS + 1) * BLOCK) };

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

static int reader_main(uint64_t random)
{
	pthread_t thread[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, reader_thread, (void *)(uintptr_t)(random * 64 + i + 1)))
			give_up("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* --- */

static void result(int number, bool good, const char *text)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, text);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 0;
	int status, failed = 0;

	if (argc != 6)
		return 2;
	directory = argv[1];
	backing = argv[2];
	strict = !strcmp(argv[5], "strict");
	bound_ns = strict ? BOUND_STRICT_NS : BOUND_LATE_NS;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		give_up("mmap");
	for (uint32_t i = 0; i < FILES; i++)
		file_replace(i, BLOCKS - 1);
	usleep(100000);
	for (uint32_t i = 0; i < WRITERS + READERS; i++)
		if (!fork())
			_exit(i < WRITERS ? writer_main(i, seed * 100 + i) : reader_main(seed * 100 + i));
	usleep((useconds_t)(strtod(argv[3], NULL) * 1e6));
	store_release(&shared->stop, 1);
	for (int i = 0; i < WRITERS + READERS; i++)
		if (wait(&status) < 0 || status)
			failed++;
	printf("1..3\n# %llu reads, %llu MiB; rewritten %llu, cut %llu, longer %llu, emptied %llu\n",
	       (unsigned long long)shared->reads, (unsigned long long)shared->bytes >> 20,
	       (unsigned long long)shared->changes[0], (unsigned long long)shared->changes[1],
	       (unsigned long long)shared->changes[2], (unsigned long long)shared->changes[3]);
	if (shared->bad)
		printf("# %u bad reads: %s\n", shared->bad, shared->why);
	result(1, !shared->bad, "all bytes are of versions that the rules allow");
	result(2, shared->reads > 1000, "there were some");
	result(3, !failed, "all processes ended well");
	return shared->bad || failed;
}
