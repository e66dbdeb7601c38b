/* SPDX-License-Identifier: MIT */
#include "faults/torture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outside.h" /* first */

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "pattern.h"

struct shared *shared;
const char *directory;
bool strict;
static const char *backing;
static uint64_t bound_ns;
static uint32_t floors[FILES][LIVES]; /* newest version that a read of this process returned */

void give_up(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(99);
}

/* version | life | file | word of the file */
static uint64_t word_of(uint32_t file, uint32_t life, uint32_t version, uint64_t word)
{
	return (uint64_t)version << 40 | (uint64_t)(life & 255) << 32 |
	       (uint64_t)(file & 15) << 28 | word;
}

/* --- writers */

static void blocks_put(int fd, uint32_t file, uint32_t life, uint32_t version,
		       const struct change *c)
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
		c->last = r >> 8 & 1 ? blocks :
				       c->first + 1 + (uint32_t)((r >> 24) % (blocks - c->first));
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
	if (fd < 0 ||
	    ((kind & 1) && sys_ftruncate(fd, kind == 3 ? 0 : (uint64_t)c->blocks * BLOCK)))
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
		uint32_t file = (uint32_t)(pattern_random(&random) % (FILES / WRITERS)) * WRITERS +
				id;
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

void bad(const struct read *r, const char *format, ...)
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
			 r->life->number, (unsigned long long)r->first, r->n / BLOCK, r->least,
			 r->floor, r->begun, text);
	else
		fetch_add(&shared->bad, 1);
}

/* It emptied the file, and wrote one block again. */
static bool cut_empty(const struct change *c)
{
	return !c->first && c->blocks == 1;
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
		if (v > r->least && cut_empty(&r->life->log[v % LOG]))
			*least = 0;
	}
}

/*
 * A page that the kernel found beyond the end of a file that was cut. Cutting zeroes what lies behind the new end
 * in the same piece of the page cache: a copy that is under way, or a socket that has the page, shows it.
 */
static bool zero_allowed(const struct read *r, uint64_t block, uint32_t done, uint32_t smallest)
{
	if (!strict)
		return block >= smallest;
	for (uint32_t v = done + 1; v <= r->begun; v++)
		if (block >= r->life->log[v % LOG].blocks || cut_empty(&r->life->log[v % LOG]))
			return true;
	return false;
}

/* The newest version in the read that was done when it began. */
static uint32_t versions_check(const struct read *r, uint32_t smallest)
{
	uint32_t done = newest_done(r->life, r->t0);
	uint32_t newest = 0;

	for (size_t i = 0; i < r->n / 8; i++) {
		uint64_t at = r->first * WORDS + i;
		uint32_t version = (uint32_t)(r->words[i] >> 40);

		if (!r->words[i] && zero_allowed(r, at / WORDS, done, smallest))
			continue;
		if (r->words[i] != word_of(r->file, r->life->number, version, at) ||
		    version > r->begun) {
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
			bad(r, "block %llu has version %u, and %u was known",
			    (unsigned long long)block, has, version);
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
	if (strict && !r->loose && r->floor > r->least)
		r->least = r->floor;
	sizes_of(r, &smallest, &largest);
	newest = versions_check(r, smallest);
	if ((r->n && end > largest) || (r->n < wanted && end < smallest && r->first < smallest))
		bad(r, "it ends at %llu, which was %u to %u", (unsigned long long)end, smallest,
		    largest);
	blocks_check(r, strict && !r->loose && newest > r->least ? newest : r->least);
	/* what was cut off and came again begins anew: versions only grow */
	if (!r->loose)
		floor_raise(floor, newest);
	fetch_add(&shared->reads, 1);
	fetch_add(&shared->bytes, r->n);
}

uint32_t life_of(uint32_t file, uint64_t word)
{
	for (uint32_t i = 0; word && i < LIVES; i++)
		if ((load_acquire(&shared->life[file][i].number) & 255) == (word >> 32 & 255))
			return shared->life[file][i].number;
	return 0;
}

void read_begin(struct read *r, uint32_t file, uint32_t number, uint64_t first)
{
	uint32_t newest;

	*r = (struct read){ .file = file,
			    .first = first,
			    .life = &shared->life[file][number % LIVES] };
	r->floor = load_acquire(&floors[file][number % LIVES]);
	fence_full();
	r->t0 = clock_mono_ns();
	newest = newest_done(r->life, r->t0);
	r->floor = r->floor < newest ? r->floor : newest;
	r->least = newest_done(r->life, r->t0 - bound_ns);
}

void read_end(struct read *r, uint32_t number, size_t wanted)
{
	fence_full();
	if (load_acquire(&r->life->number) == number)
		read_check(r, wanted);
}

/* --- */

static void result(int number, bool good, const char *text)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, text);
}

int torture(char **argv, uint32_t readers, int (*reader)(uint32_t id, uint64_t random))
{
	uint64_t seed = strtoull(argv[4], NULL, 0);
	int status, failed = 0;

	directory = argv[1];
	backing = argv[2];
	strict = !strcmp(argv[5], "strict");
	bound_ns = strict ? BOUND_STRICT_NS : BOUND_LATE_NS;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		give_up("mmap");
	for (uint32_t i = 0; i < FILES; i++)
		file_replace(i, BLOCKS - 1);
	usleep(100000);
	for (uint32_t i = 0; i < WRITERS + readers; i++)
		if (!fork())
			_exit(i < WRITERS ? writer_main(i, seed * 100 + i) :
					    reader(i - WRITERS, seed * 100 + i));
	usleep((useconds_t)(strtod(argv[3], NULL) * 1e6));
	store_release(&shared->stop, 1);
	for (uint32_t i = 0; i < WRITERS + readers; i++)
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
