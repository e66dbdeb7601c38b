/* SPDX-License-Identifier: MIT */
/*
 * Histories of files, checked: writers under the shim and outside change files in all ways, while
 * readers under the shim read them in all ways; each read must return what the rules of coherence
 * allow (INV-7, docs/design/identity.md).
 *
 *	rawcache run --path DIRECTORY ... -- coherence DIRECTORY STATE SECONDS SEED
 *
 * Every change of a file has a version, and writes it into each word of the blocks it touches.
 * For each block the writers tell, in memory that all share, the version `begun` before they
 * write it, `done` afterwards, and `told` if they are under the shim. A read of a block returns
 * words of versions
 *  - not older than what was done when the file was opened (close-to-open),
 *  - not older than what was told before the read, as long as the path leads to the same inode,
 *  - not newer than what has begun when it returns.
 * It may end where the file did at some time in between. Speaks TAP.
 *
 * On FUSE the kernel may keep an old page: it shows a write in the page cache before the server has it, and drops
 * that page when it sees new attributes meanwhile; a read then brings the server's old bytes, and times that are
 * put back hide that they are old (Linux 6.18, without rawcache, too). With COHERENCE_STORE, the directory that the
 * mount shows, such a read is counted and not called wrong: if the kernel's own read gives each of its bytes, and
 * the server's file has a version that is allowed.
 */
#include <errno.h>
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
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/sys.h"
#include "pattern.h"

#define FILES 10u
#define BLOCK 4096u
#define BLOCKS 160u
#define SIZES 256u /* of the history of sizes; what is older is not checked */
#define READERS 3
#define THREADS 2
#define OPEN_FILES 4
#define READ_MAX (96u << 10)

struct block {
	uint32_t begun, done, told;
};

/* A file; `busy` is its writer's, all else everybody's to look at. */
struct history {
	uint32_t busy;
	uint32_t version;
	uint64_t inode; /* behind the path */
	uint32_t sizes; /* changes of the size so far, in two steps each: begun and done */
	uint32_t size_told;
	uint64_t smallest[SIZES]; /* at that step */
	uint64_t size;		  /* its writer's */
	struct block block[BLOCKS];
};

struct shared {
	uint32_t stop, bad, stale_pages;
	uint64_t reads[5], bytes, changes[2];
	char first_bad[400], first_more[1200];
	struct history file[FILES];
};

static struct shared *shared;
static const char *directory;
static const char *store; /* what the mount shows, by the server's path; NULL: no mount */
static uint64_t seed;

static const char *file_path(uint32_t number, const char *suffix)
{
	static tls_initial char path[4096];

	snprintf(path, sizeof(path), "%s/data.%u%s", directory, number, suffix);
	return path;
}

static void give_up(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(99);
}

/* --- writing */

struct change {
	struct history *h;
	uint32_t number, version;
	uint32_t first, last; /* blocks [first, last) */
	bool told;
};

/* From here on the file may be as short as `smallest`. */
static void size_step(struct history *h, uint64_t smallest)
{
	store_relaxed(&h->smallest[(h->sizes + 1) % SIZES], smallest);
	store_release(&h->sizes, h->sizes + 1);
}

static void change_begin(struct change *c, uint64_t smallest)
{
	size_step(c->h, smallest);
	for (uint32_t b = c->first; b < c->last; b++)
		store_release(&c->h->block[b].begun, c->version);
	fence_full();
}

static void change_end(struct change *c, uint64_t size)
{
	c->h->size = size;
	fence_full();
	for (uint32_t b = c->first; b < c->last; b++)
		store_release(&c->h->block[b].done, c->version);
	size_step(c->h, size);
	if (!c->told)
		return;
	for (uint32_t b = c->first; b < c->last; b++)
		store_release(&c->h->block[b].told, c->version);
	store_release(&c->h->size_told, c->h->sizes);
}

/* Write the blocks of the change, up to `size`, in one of several ways. */
static void blocks_write(const struct change *c, int fd, uint64_t size, uint64_t r)
{
	static char buf[BLOCKS * BLOCK];
	uint64_t at = (uint64_t)c->first * BLOCK;
	uint64_t end = (uint64_t)c->last * BLOCK < size ? (uint64_t)c->last * BLOCK : size;
	size_t n = end > at ? (size_t)(end - at) : 0;
	size_t piece = r & 1 ? n : BLOCK * (1 + (r >> 8) % 16);
	ssize_t put;

	pattern_fill(buf, n, c->number, c->version, at);
	for (size_t done = 0; done < n; done += (size_t)put) {
		size_t now = n - done < piece ? n - done : piece;

		if (r & 2)
			put = pwrite(fd, buf + done, now, (off_t)(at + done));
		else
			put = lseek(fd, (off_t)(at + done), SEEK_SET) < 0 ?
				      -1 :
				      write(fd, buf + done, now);
		if (put <= 0)
			give_up("write");
	}
}

/* The time of the change is hidden, as `touch -r` does. */
static void time_back(int fd, const struct stat *before)
{
	struct timespec times[2] = { before->st_atim, before->st_mtim };

	if (futimens(fd, times))
		give_up("futimens");
}

/* Another file takes the path's place. */
static void change_replace(struct change *c, uint64_t r, uint64_t size)
{
	struct stat before = { 0 };
	struct stat st;
	char from[4096];
	int fd;

	snprintf(from, sizeof(from), "%s", file_path(c->number, ".new"));
	fd = open(from, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		give_up(from);
	c->first = 0;
	c->last = (uint32_t)((size + BLOCK - 1) / BLOCK);
	c->told = false; /* who has the old one open reads on in that */
	blocks_write(c, fd, size, r);
	if (!stat(file_path(c->number, ""), &before) && r & 4)
		time_back(fd, &before);
	if (fstat(fd, &st))
		give_up("fstat");
	change_begin(c, size < c->h->size ? size : c->h->size);
	if (rename(from, file_path(c->number, "")))
		give_up("rename");
	store_release(&c->h->inode, st.st_ino);
	change_end(c, size);
	close(fd);
}

/* Blocks of the file change in place; it may become longer or shorter. */
static void change_rewrite(struct change *c, uint64_t r, uint64_t size)
{
	uint64_t old = c->h->size;
	bool cut = !(r % 5);
	struct stat before;
	int fd;

	if (cut) { /* emptied first: all of it is written anew */
		c->first = 0;
		c->last = (uint32_t)((size + BLOCK - 1) / BLOCK);
	} else if (size > old) { /* longer: from the old end */
		c->first = (uint32_t)(old / BLOCK);
		c->last = (uint32_t)((size + BLOCK - 1) / BLOCK);
	} else {
		if (r >> 20 & 1) /* or as long as it is */
			size = old;
		c->first = (uint32_t)((r >> 24) % (size / BLOCK + 1));
		c->last = c->first + 1 + (uint32_t)((r >> 32) % 24);
		if (c->last > (size + BLOCK - 1) / BLOCK)
			c->last = (uint32_t)((size + BLOCK - 1) / BLOCK);
	}
	if (c->last < c->first)
		c->first = c->last;
	/* the last block that stays has bytes that are cut off: nothing of it becomes other bytes */
	change_begin(c, cut ? 0 : size < old ? size : old);
	fd = open(file_path(c->number, ""), O_RDWR | (cut ? O_TRUNC : 0));
	if (fd < 0 || fstat(fd, &before))
		give_up("open to write");
	blocks_write(c, fd, size, r);
	if (size < old && !cut &&
	    (r & 8 ? ftruncate(fd, (off_t)size) : truncate(file_path(c->number, ""), (off_t)size)))
		give_up("truncate");
	if (r & 4)
		time_back(fd, &before);
	close(fd);
	change_end(c, size);
}

/* Away and back: the same file all the time. */
static void change_rename(const struct change *c)
{
	char away[4096];

	snprintf(away, sizeof(away), "%s", file_path(c->number, ".away"));
	if (rename(file_path(c->number, ""), away) || usleep(1000) ||
	    rename(away, file_path(c->number, "")))
		give_up("rename");
}

static void writer_step(uint64_t *random, bool under_shim)
{
	uint64_t r = pattern_random(random);
	uint32_t number = (uint32_t)(r % FILES);
	uint64_t size = 1 + pattern_random(random) % (BLOCKS * BLOCK - 1);
	struct history *h = &shared->file[number];
	struct change c = { .h = h, .number = number, .told = under_shim };
	uint32_t no = 0;

	r >>= 8;
	if (!cas(&h->busy, &no, 1))
		return;
	c.version = ++h->version;
	if (r % 16 == 0)
		change_rename(&c);
	else if (r % 4 == 1)
		change_replace(&c, r >> 4, size);
	else
		change_rewrite(&c, r >> 4, size);
	store_release(&h->busy, 0);
	fetch_add(&shared->changes[under_shim], 1);
}

static int writer_main(uint64_t random, bool under_shim)
{
	while (!load_acquire(&shared->stop)) {
		usleep((useconds_t)(pattern_random(&random) % 70000));
		writer_step(&random, under_shim);
	}
	return 0;
}

/* --- reading */

enum way { WAY_READ, COPY_PREAD, WAY_MMAP, WAY_STDIO, WAY_SENDFILE, WAYS };
static const char *const way_names[] = { "read", "pread", "mmap", "stdio", "sendfile" };

struct reader {
	uint64_t random;
	char *buf;
	int sockets[2];
	struct opened {
		int fd; /* -1: none */
		uint32_t number;
		uint64_t inode;
		uint32_t sizes;
		uint32_t low[BLOCKS]; /* what was done at the open */
	} open[OPEN_FILES];
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

static bool report(const struct opened *o, enum way way, uint64_t at, uint32_t low, uint32_t high,
		   const char *what)
{
	if (fetch_add(&shared->bad, 1))
		return false;
	snprintf(shared->first_bad, sizeof(shared->first_bad),
		 "file %u block %llu through %s, versions %u..%u: %s", o->number,
		 (unsigned long long)at / BLOCK, way_names[way], low, high, what);
	return true;
}

/* Append to the report what a read of the same place says now: `got` bytes in `now`. */
static void view_add(const char *who, const char *buf, const char *now, ssize_t got, size_t n,
		     size_t at, uint64_t offset)
{
	size_t used = strlen(shared->first_more);
	bool same = got == (ssize_t)n && !memcmp(now, buf, n);

	snprintf(shared->first_more + used, sizeof(shared->first_more) - used, "; %s: %s", who,
		 same		   ? "the same" :
		 got > (ssize_t)at ? pattern_explain(now, (size_t)got, at, offset) :
				     "shorter");
}

/* What the program, the kernel and the server say of it a moment later. */
static void report_more(const struct opened *o, const char *buf, size_t n, uint64_t offset,
			size_t at)
{
	static char now[READ_MAX];
	char link[200] = "";
	char path[4096];
	struct statx stx = { 0 };
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", o->fd);
	if (readlink(path, link, sizeof(link) - 1) < 0 || sys_fstatx(o->fd, &stx))
		return;
	snprintf(shared->first_more, sizeof(shared->first_more),
		 "%zu bytes at %llu of %s, size %llu, inode %llu (%llu)", n,
		 (unsigned long long)offset, link, (unsigned long long)stx.stx_size,
		 (unsigned long long)stx.stx_ino, (unsigned long long)o->inode);
	view_add("the kernel", buf, now, sys_pread(o->fd, now, n, offset), n, at, offset);
	view_add("again", buf, now, pread(o->fd, now, n, (off_t)offset), n, at, offset);
	fd = open(file_path(o->number, ""), O_RDONLY | O_CLOEXEC);
	view_add("opened anew", buf, now, pread(fd, now, n, (off_t)offset), n, at, offset);
	close(fd);
	if (!store)
		return;
	snprintf(path, sizeof(path), "%s/data.%u", store, o->number);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	view_add("the server", buf, now, sys_pread(fd, now, n, offset), n, at, offset);
	close(fd);
}

/* Whether the file was as short as `end` when it was opened, when told of, or since. */
static bool was_short(const struct opened *o, uint64_t end)
{
	const struct history *h = &shared->file[o->number];
	uint32_t now = load_acquire(&h->sizes);

	if (now - o->sizes >= SIZES - 2)
		return true;
	for (uint32_t i = o->sizes; i != now + 1; i++)
		if (load_relaxed(&h->smallest[i % SIZES]) <= end)
			return true;
	return false;
}

/* Whether the mount's page cache is old: the kernel reads the same there, and the server has an allowed version. */
static bool pages_are_stale(const struct opened *o, const char *buf, size_t n, uint64_t offset,
			    uint64_t at)
{
	static tls_initial char now[READ_MAX], block[BLOCK];
	const struct history *h = &shared->file[o->number];
	uint32_t high = load_acquire(&h->block[at / BLOCK].begun);
	struct stat st = { 0 };
	char path[4096];
	ssize_t got = -1;
	int fd;

	if (!store || sys_pread(o->fd, now, n, offset) != (ssize_t)n || memcmp(now, buf, n))
		return false;
	snprintf(path, sizeof(path), "%s/data.%u", store, o->number);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && st.st_ino == o->inode)
		got = sys_pread(fd, block, BLOCK, at / BLOCK * BLOCK);
	close(fd);
	return got > (ssize_t)(at % BLOCK) &&
	       pattern_check(block, (size_t)got, o->number, o->low[at / BLOCK], high,
			     at / BLOCK * BLOCK) == (size_t)got;
}

static void check_bytes(const struct opened *o, enum way way, const char *buf, size_t n,
			uint64_t offset)
{
	const struct history *h = &shared->file[o->number];

	for (size_t done = 0, part; done < n; done += part) {
		uint64_t at = offset + done;
		uint32_t low = o->low[at / BLOCK];
		uint32_t high = load_acquire(&h->block[at / BLOCK].begun);
		size_t bad;

		part = BLOCK - at % BLOCK < n - done ? (size_t)(BLOCK - at % BLOCK) : n - done;
		bad = pattern_check(buf + done, part, o->number, low, high, at);
		/* the kernel shows zeros in the last page of a file that is just being cut */
		if (bad == part || (!buf[done + bad] && was_short(o, at + bad)))
			continue;
		if (pages_are_stale(o, buf, n, offset, at))
			fetch_add(&shared->stale_pages, 1);
		else if (report(o, way, at, low, high, pattern_explain(buf, n, done + bad, offset)))
			report_more(o, buf, n, offset, done + bad);
	}
}

static void check_end(const struct opened *o, enum way way, uint64_t end)
{
	const struct history *h = &shared->file[o->number];
	char text[80];

	if (was_short(o, end))
		return;
	snprintf(text, sizeof(text), "it ends at %llu, and was %llu long or more",
		 (unsigned long long)end, (unsigned long long)h->smallest[o->sizes % SIZES]);
	report(o, way, end, o->sizes, load_relaxed(&h->sizes), text);
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

static int reader_main(uint64_t random)
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

/* --- all of it */

static void files_make(void)
{
	uint64_t random = seed;

	for (uint32_t n = 0; n < FILES; n++) {
		struct change c = { .h = &shared->file[n], .number = n, .version = 1 };

		c.h->version = 1;
		change_replace(&c, pattern_random(&random) & ~UINT64_C(4), BLOCKS * BLOCK / 2 + n);
	}
}

/* A process of one of the roles, by exec: those outside have another environment. */
static pid_t role_start(char **argv, const char *role, int number)
{
	char text[32];
	char *args[] = { argv[0], argv[1], argv[2], argv[3], argv[4], (char *)role, text, NULL };
	pid_t pid;

	snprintf(text, sizeof(text), "%d", number);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!strcmp(role, "outside"))
			unsetenv("LD_PRELOAD");
		execv("/proc/self/exe", args);
		_exit(98);
	}
	return pid;
}

static int role_main(const char *role, uint64_t random)
{
	if (!strcmp(role, "reader"))
		return reader_main(random);
	return writer_main(random, !strcmp(role, "inside"));
}

static int result(bool good, int number, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, name);
	return !good;
}

static bool roles_end(const pid_t *pids, int count)
{
	bool good = true;

	for (int i = 0; i < count; i++) {
		int status = 0;
		int tries = 0;

		while (!waitpid(pids[i], &status, WNOHANG) && ++tries < 2000)
			usleep(10000);
		if (tries == 2000) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], &status, 0);
		}
		if (status)
			printf("# process %d of role %d: status %#x\n", pids[i], i, status);
		good = good && !status;
	}
	return good;
}

int main(int argc, char **argv)
{
	static const char *const roles[] = { "inside", "outside", "inside" };
	pid_t pids[8];
	int count = 0;
	int failed;
	int fd;

	if (argc < 5)
		return 2;
	directory = argv[1];
	store = getenv("COHERENCE_STORE");
	seed = strtoull(argv[4], NULL, 0);
	fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*shared)))
		give_up(argv[2]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		give_up("mmap");
	close(fd);
	if (argc > 6)
		return role_main(argv[5], seed * 1000 + (uint64_t)atoi(argv[6]));
	files_make();
	for (int i = 0; i < 3; i++, count++)
		pids[count] = role_start(argv, roles[i], count);
	for (int i = 0; i < READERS; i++, count++)
		pids[count] = role_start(argv, "reader", count);
	for (double left = atof(argv[3]); left > 0 && !load_relaxed(&shared->bad); left -= 0.05)
		usleep(50000);
	store_release(&shared->stop, 1);
	failed = result(roles_end(pids, count), 1, "all processes ended");
	printf("# %llu changes under the shim, %llu outside;",
	       (unsigned long long)shared->changes[1], (unsigned long long)shared->changes[0]);
	for (int i = 0; i < WAYS; i++)
		printf(" %llu %s", (unsigned long long)shared->reads[i], way_names[i]);
	printf(", %llu MiB\n", (unsigned long long)shared->bytes >> 20);
	if (shared->stale_pages)
		printf("# %u reads of pages that are old in the mount's page cache\n",
		       shared->stale_pages);
	if (shared->bad)
		printf("# %s\n# %s\n", shared->first_bad, shared->first_more);
	failed += result(!shared->bad, 2, "each read returned what is allowed");
	failed += result(shared->changes[0] && shared->changes[1] && shared->reads[WAY_MMAP] &&
				 shared->reads[WAY_STDIO] && shared->reads[WAY_SENDFILE],
			 3, "all was done");
	printf("1..3\n");
	return failed != 0;
}
