/* SPDX-License-Identifier: MIT */
/* Readers: random reads through the cache, each byte checked. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "pattern.h"
#include "support.h"
#include "torture_engine.h"

#define OPEN_FILES 6

struct reader_file {
	int fd;
	uint32_t number;
	uint32_t low; /* done when it was opened */
	uint64_t inode;
	uint64_t handle;
};

struct reader {
	struct rawcache *cache;
	uint64_t random;
	char *buf;
	struct reader_file open[OPEN_FILES];
};

static void reader_close(struct reader *reader, struct reader_file *f)
{
	if (f->fd < 0)
		return;
	if (f->handle)
		rawcache_file_put(reader->cache, f->handle);
	close(f->fd);
	f->fd = -1;
	f->handle = 0;
}

/* The cache's half of an open: none while the file is too young. */
static void reader_track(struct reader *reader, struct reader_file *f)
{
	if (f->handle)
		rawcache_file_put(reader->cache, f->handle);
	f->handle = 0;
	if (file_open_fd(reader->cache, f->fd, &f->handle))
		f->handle = 0;
}

static bool reader_open(struct reader *reader, struct reader_file *f, uint32_t number)
{
	struct stat st;

	f->number = number;
	f->low = load_acquire(&shared->file[number].done);
	f->fd = open(file_path(number), O_RDONLY | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &st))
		return false;
	f->inode = st.st_ino;
	reader_track(reader, f);
	return true;
}

/* The lower bound of the versions that a read from now on may return. */
static uint32_t version_low(const struct reader_file *f)
{
	const struct shared_file *s = &shared->file[f->number];
	uint32_t told = load_acquire(&s->told);

	if (load_acquire(&s->inode) != f->inode || told < f->low)
		return f->low;
	return told;
}

static void report_bad(const struct reader_file *f, const char *buf, size_t n, size_t at,
		       uint64_t offset, uint32_t low, uint32_t high)
{
	if (!fetch_add(&shared->bad, 1))
		snprintf(shared->first_bad, sizeof(shared->first_bad),
			 "file %u offset %llu versions %u..%u through %s: %s", f->number,
			 (unsigned long long)(offset + at), low, high,
			 f->handle ? "the cache" : "the origin",
			 at < n ? pattern_explain(buf, n, at, offset) : "the end");
}

static void count_blocked(double took, uint64_t scheduled_ns)
{
	double blocked = took * 1e6 - (double)scheduled_ns / 1e3;
	uint64_t us = blocked > 0 ? (uint64_t)blocked : 0;
	uint64_t longest = load_relaxed(&shared->longest_us);

	while (us > longest && !cas(&shared->longest_us, &longest, us))
		;
}

/* A read as the shim makes it: through the cache if it can, else from the origin. */
static ssize_t reader_read(struct reader *reader, struct reader_file *f, size_t n, uint64_t offset)
{
	double start = now_s();
	uint64_t before = thread_scheduled();
	struct stat st;
	ssize_t got = -ESTALE;

	for (int tries = 0; tries < 8 && f->handle; tries++) {
		got = rawcache_file_read(reader->cache, f->handle, f->fd, reader->buf, n, offset);
		/* the end is confirmed with the origin */
		if (got >= 0 && got < (ssize_t)n &&
		    (fstat(f->fd, &st) || (uint64_t)st.st_size > offset + (uint64_t)got))
			got = -ESTALE;
		if (got != -ESTALE)
			break;
		reader_track(reader, f);
	}
	count_blocked(now_s() - start, thread_scheduled() - before);
	if (got >= 0) {
		fetch_add(&shared->bytes, (uint64_t)got);
		return got;
	}
	fetch_add(&shared->bypassed, 1);
	return pread(f->fd, reader->buf, n, (off_t)offset);
}

/* Whether a read may end at `end`: a version in question ends there or before. */
static bool end_allowed(const struct shared_file *s, uint32_t low, uint32_t high, uint64_t end)
{
	if (high - low >= SIZES)
		return true;
	for (uint32_t version = low; version <= high; version++)
		if (load_relaxed(&s->size[version % SIZES]) <= end)
			return true;
	return false;
}

static void reader_step(struct reader *reader)
{
	struct reader_file *f = &reader->open[pattern_random(&reader->random) % OPEN_FILES];
	uint64_t r = pattern_random(&reader->random);
	size_t n = r % 8 ? (r >> 8) % 16384 + 1 : (r >> 8) % READ_MAX + 1;
	uint64_t offset = (r >> 32) % FILE_MAX;
	struct shared_file *s;
	uint32_t low;
	uint32_t high;
	ssize_t got;
	size_t at;

	if (f->fd < 0 || !((r >> 20) % 32)) {
		reader_close(reader, f);
		if (!reader_open(reader, f, (uint32_t)(r >> 40) % FILES))
			return;
	}
	s = &shared->file[f->number];
	if ((r >> 60) < 12)
		offset %= load_relaxed(&s->size[load_relaxed(&s->done) % SIZES]);
	low = version_low(f);
	got = reader_read(reader, f, n, offset);
	high = load_acquire(&s->started);
	fetch_add(&shared->reads, 1);
	if (got < 0) {
		fetch_add(&shared->errors, 1);
		return;
	}
	at = pattern_check(reader->buf, (size_t)got, f->number, low, high, offset);
	if (at < (size_t)got)
		report_bad(f, reader->buf, (size_t)got, at, offset, low, high);
	else if ((size_t)got < n && !end_allowed(s, low, high, offset + (uint64_t)got))
		report_bad(f, reader->buf, 0, 0, offset + (uint64_t)got, low, high);
}

/* A child of a process with threads, that has none of its parent's slots, locks and helpers. */
static void reader_fork(struct reader *reader)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 20; i++)
			reader_step(reader);
		_exit(0);
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status)
		fetch_add(&shared->errors, 1);
	reader->random += 12345; /* not the child's path */
	fetch_add(&shared->forks, pid > 0);
}

static void *reader_thread(void *arg)
{
	struct reader *reader = arg;

	for (int i = 0; i < OPEN_FILES; i++)
		reader->open[i].fd = -1;
	reader->buf = malloc(READ_MAX);
	while (reader->buf && !load_acquire(&shared->stop)) {
		reader_step(reader);
		if (!(pattern_random(&reader->random) % 512))
			reader_fork(reader);
	}
	for (int i = 0; i < OPEN_FILES; i++)
		reader_close(reader, &reader->open[i]);
	free(reader->buf);
	return NULL;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	rawcache_handle_fault(info->si_addr);
	signal(sig, SIG_DFL);
}

int reader_main(uint64_t random)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct reader *readers = calloc(threads, sizeof(*readers));
	pthread_t *ids = calloc(threads, sizeof(*ids));
	struct rawcache *cache;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	if (test_io == RAWCACHE_IO_AUTO)
		test_io = random % 4 ? RAWCACHE_IO_THREADS : RAWCACHE_IO_URING;
	cache = attach(image);
	for (unsigned int i = 0; i < threads; i++) {
		readers[i].cache = cache;
		readers[i].random = pattern_random(&random);
		if (pthread_create(&ids[i], NULL, reader_thread, &readers[i]))
			return 2;
	}
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	rawcache_detach(cache);
	return 0;
}
