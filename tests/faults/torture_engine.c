/* SPDX-License-Identifier: MIT */
/*
 * Many processes and threads read a data set four times as large as the image, at random, and
 * check every byte, while a writer replaces, rewrites, shortens and extends the files.
 *
 *	--seconds N	length of each round		(5)
 *	--processes N	readers				(16)
 *	--threads N	threads in each			(4)
 *	--kill		SIGKILL readers at random and start others
 *	--stop		SIGSTOP readers for longer than anybody waits for them
 *	--image PATH	use this image, make it if it is not there
 *	--seed N	of the random numbers
 *
 *	--io WAY	read ahead by threads, io_uring or sync; else all of them do
 *	--direct	write with O_DIRECT
 *
 *	--clock		wall clocks that jump, for each process another way. Files are replaced then,
 *			when all of them is written: a file system's stamps do not jump along, and
 *			what is written at this moment may seem to be days old
 *
 * Without --kill, --stop and --clock there are four rounds: without them, with the first, with both,
 * and with the last two, in a new boot. Now and then a reader forks a child that reads on.
 *
 * What a read may return (docs/design/identity.md). The versions of a file are numbered; `started` is
 * the newest that the writer has begun, `done` the newest it has finished. A read gives words
 * of versions from a lower bound, taken before it, up to `started`, looked at after it:
 *  - at least what was done when the file was opened;
 *  - at least `told`, what the writer has done under the cache's eyes (rawcache_file_changed),
 *    as long as the path still leads to the inode that is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "base/sys.h"
#include "child.h"
#include "core/shared/process.h"
#include "pattern.h"
#include "support.h"

#define FILES 24u
#define FILE_MAX (4u << 20)
#define FILE_MEAN (2u << 20)
#define SIZES 64u
#define READ_MAX (700u << 10)
#define OPEN_FILES 6
#define PROCESSES_MAX 128
#define TICK_US 30000 /* more than a tick of the clock that stamps files */
#define STOP_S 2.6    /* more than flights and locks are waited for */
/* No hang ends by itself; a read of many chunks may wait 2 s for each of several stopped owners. */
#define HUNG_S 30

/* A file as writer and readers see it together. */
struct shared_file {
	uint32_t started, done, told;
	uint32_t pad;
	uint64_t inode;	      /* behind the path */
	uint64_t size[SIZES]; /* of version v at v % SIZES */
};

struct shared {
	uint32_t stop;
	uint32_t bad;	 /* wrong reads */
	uint32_t errors; /* reads that failed */
	uint64_t reads, bytes, bypassed, changes;
	/* a read blocked, without its time on a processor or waiting for one */
	uint64_t longest_us;
	uint64_t forks;
	char first_bad[256];
	struct shared_file file[FILES];
};

static struct shared *shared;
static const char *image;
static unsigned int processes = 16;
static unsigned int threads = 4;
static double seconds = 5;
static bool with_kill, with_stop, with_clock;
static uint64_t seed = 1;

/* The engine's: wall time is days off, and each time it is looked at others. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	static uint64_t random;
	uint64_t r = fetch_add(&random, 1);
	int result = (int)syscall(SYS_clock_gettime, clock, t);

	if (with_clock && clock == CLOCK_REALTIME && !(r % 3))
		t->tv_sec += (time_t)(getpid() * 7919 % 30 - 15) * 86400 + (time_t)(r % 7200);
	return result;
}

static const char *file_path(uint32_t number)
{
	static tls_initial char path[512];

	snprintf(path, sizeof(path), "%s/data.%u", scratch_dir(), number);
	return path;
}

/* --- reading */

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

static int reader_main(uint64_t random)
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

/* --- writing */

struct writer {
	struct rawcache *cache;
	uint64_t random;
	char *buf;
};

static uint64_t size_random(uint64_t *random)
{
	uint64_t r = pattern_random(random);

	/* now and then a small one; sizes end anywhere */
	return r % 8 ? r >> 8 & 1 ? FILE_MEAN + (r >> 16) % (FILE_MAX - FILE_MEAN) :
				    1 + (r >> 16) % FILE_MEAN :
		       1 + (r >> 16) % 70000;
}

static void version_write(struct writer *writer, int fd, uint32_t number, uint32_t version,
			  uint64_t size)
{
	const size_t piece = 128u << 10;

	for (uint64_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? (size_t)(size - at) : piece;

		pattern_fill(writer->buf, n, number, version, at);
		if (pwrite(fd, writer->buf, n, (off_t)at) != (ssize_t)n)
			die("write: %s", strerror(errno));
	}
}

/* A new file takes the path's place. */
static void file_replace(struct writer *writer, uint32_t number, uint32_t version, uint64_t size)
{
	struct shared_file *s = &shared->file[number];
	char temporary[512];
	struct stat st;
	int fd;

	snprintf(temporary, sizeof(temporary), "%s/new", scratch_dir());
	fd = open_or_die(temporary, O_WRONLY | O_CREAT | O_TRUNC);
	version_write(writer, fd, number, version, size);
	if (fstat(fd, &st))
		die("fstat: %s", strerror(errno));
	if (with_clock)
		usleep(TICK_US);
	store_release(&s->started, version);
	if (rename(temporary, file_path(number)))
		die("rename: %s", strerror(errno));
	store_release(&s->inode, st.st_ino);
	store_release(&s->done, version);
	close(fd);
}

/* The same file is written anew, and is longer or shorter then; with or without telling. */
static void file_rewrite(struct writer *writer, uint32_t number, uint32_t version, uint64_t size,
			 bool tell)
{
	struct shared_file *s = &shared->file[number];
	int fd = open_or_die(file_path(number), O_RDWR);
	struct statx stx;
	bool cut_first = pattern_random(&writer->random) & 1;

	if (sys_fstatx(fd, &stx))
		die("statx");
	store_release(&s->started, version);
	if (tell)
		rawcache_file_changed(writer->cache, &stx);
	if (cut_first && size < stx.stx_size && ftruncate(fd, (off_t)size))
		die("ftruncate: %s", strerror(errno));
	version_write(writer, fd, number, version, size);
	if (size < stx.stx_size && ftruncate(fd, (off_t)size))
		die("ftruncate: %s", strerror(errno));
	if (tell)
		rawcache_file_changed(writer->cache, &stx);
	store_release(&s->done, version);
	if (tell)
		store_release(&s->told, version);
	close(fd);
}

static void writer_step(struct writer *writer)
{
	uint64_t r = pattern_random(&writer->random);
	uint32_t number = (uint32_t)r % FILES;
	struct shared_file *s = &shared->file[number];
	uint32_t version = s->done + 1;
	uint64_t size = size_random(&writer->random);

	store_relaxed(&s->size[version % SIZES], size);
	switch (with_clock ? 0 : r >> 32 & 3) {
	case 0:
		file_replace(writer, number, version, size);
		break;
	case 1:
		file_rewrite(writer, number, version, size, false);
		break;
	default:
		file_rewrite(writer, number, version, size, true);
		break;
	}
	fetch_add(&shared->changes, 1);
}

static int writer_main(uint64_t random)
{
	struct writer writer = { .random = random, .buf = malloc(128u << 10) };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	writer.cache = attach(image);
	while (!load_acquire(&shared->stop)) {
		usleep((useconds_t)(pattern_random(&writer.random) % 120000));
		writer_step(&writer);
	}
	rawcache_detach(writer.cache);
	return 0;
}

/* --- the round */

struct round {
	pid_t pid[PROCESSES_MAX];
	double stopped[PROCESSES_MAX]; /* since when, or 0 */
	pid_t writer;
	uint64_t random;
	unsigned int kills, stops, hung, failed;
};

static pid_t spawn(int (*body)(uint64_t random), uint64_t random)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(body(random));
	return pid;
}

static void round_spawn(struct round *round, unsigned int i)
{
	round->pid[i] = spawn(reader_main, pattern_random(&round->random));
	round->stopped[i] = 0;
}

static void round_kill(struct round *round)
{
	unsigned int i = (unsigned int)(pattern_random(&round->random) % processes);

	kill(round->pid[i], SIGKILL);
	waitpid(round->pid[i], NULL, 0);
	round->kills++;
	round_spawn(round, i);
}

static void round_stop(struct round *round, bool all_on)
{
	unsigned int i = (unsigned int)(pattern_random(&round->random) % processes);
	double now = now_s();

	for (unsigned int n = 0; n < processes; n++) {
		if (round->stopped[n] > 0 && (all_on || now - round->stopped[n] > STOP_S)) {
			kill(round->pid[n], SIGCONT);
			round->stopped[n] = 0;
		}
	}
	if (all_on || round->stopped[i] > 0 || pattern_random(&round->random) % 8)
		return;
	kill(round->pid[i], SIGSTOP);
	round->stopped[i] = now;
	round->stops++;
}

/* Wait for a process that was told to end; one that does not is killed, and that is a failure. */
static void round_wait(struct round *round, pid_t pid)
{
	int status = 0;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			if (status) {
				tap_note("process %d ended with status %#x", pid, status);
				round->failed++;
			}
			return;
		}
		usleep(10000);
	}
	tap_note("process %d hangs", pid);
	round->hung++;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void round_run(struct round *round)
{
	double end = now_s() + seconds;

	shared->stop = 0;
	for (unsigned int i = 0; i < processes; i++)
		round_spawn(round, i);
	round->writer = spawn(writer_main, pattern_random(&round->random));
	while (now_s() < end && !load_relaxed(&shared->bad)) {
		usleep(40000);
		if (with_kill)
			round_kill(round);
		if (with_stop)
			round_stop(round, false);
	}
	round_stop(round, true);
	store_release(&shared->stop, 1);
	for (unsigned int i = 0; i < processes; i++)
		round_wait(round, round->pid[i]);
	round_wait(round, round->writer);
}

/* --- what must hold afterwards */

static unsigned int pins_left(const struct rawcache *cache)
{
	unsigned int pins = 0;

	for (uint32_t i = 0; i < RUNTIME_SLOTS; i++)
		for (uint32_t n = 0; n < SLOT_PINS; n++)
			pins += cache->runtime.slots[i].pin[n] != 0;
	return pins;
}

static unsigned int flights_left(const struct rawcache *cache)
{
	unsigned int flights = 0;

	for (uint32_t i = 0; i < RUNTIME_FLIGHTS; i++)
		flights += cache->runtime.flights[i].claim != 0;
	return flights;
}

static unsigned int locks_left(struct rawcache *cache)
{
	unsigned int held = 0;

	for (unsigned int i = 0; i <= RUNTIME_INDEX_LOCKS; i++) {
		pthread_mutex_t *lock = i ? &cache->runtime.header->index_lock[i - 1] :
					    &cache->runtime.header->region_lock;

		if (runtime_lock(lock))
			held++;
		else
			runtime_unlock(lock);
	}
	return held;
}

static void check_verify(struct rawcache *cache)
{
	struct rawcache_verify_result result;
	int err = rawcache_verify(cache, &result, NULL, NULL);

	tap_note("%llu extents, %llu MiB, %llu stale", (unsigned long long)result.extents,
		 (unsigned long long)result.bytes >> 20, (unsigned long long)result.stale);
	tap_ok(!err && !result.bad && !result.broken && result.extents,
	       "the image verifies clean (%llu bad, %llu broken)", (unsigned long long)result.bad,
	       (unsigned long long)result.broken);
}

/*
 * `before` are the totals at the round's begin, `delivered` the bytes that readers counted; those
 * that were killed may have had `untold` more.
 */
static void check_totals(struct rawcache *cache, const struct rawcache_stats *before,
			 uint64_t delivered, uint64_t untold)
{
	struct rawcache_stats now;
	uint64_t counted;

	rawcache_stats_total(cache, &now, sizeof(now));
	counted = now.hit_bytes + now.miss_bytes - before->hit_bytes - before->miss_bytes;
	tap_note("%.0f%% hits, %llu fills, %llu waits, %llu regions recycled, %llu stale retries",
		 100.0 * (double)now.hits / (double)(now.hits + now.misses + 1),
		 (unsigned long long)now.fills, (unsigned long long)now.fill_waits,
		 (unsigned long long)now.evicted_regions, (unsigned long long)now.stale_retries);
	tap_ok(counted >= delivered - delivered / 50 &&
		       counted <= delivered + delivered / 20 + untold,
	       "the totals go on: %llu MiB counted, %llu MiB read",
	       (unsigned long long)counted >> 20, (unsigned long long)delivered >> 20);
	tap_ok(!now.verify_failed && !now.io_errors, "no extent failed its checksum");
}

static void check_left(struct rawcache *cache)
{
	unsigned int live = process_reap(cache);

	/* children of killed readers die with them, but a little later */
	for (int i = 0; i < 200 && live > 1; i++) {
		usleep(10000);
		live = process_reap(cache);
	}
	tap_ok(live == 1, "no process but this is attached (%u)", live);
	tap_ok(!pins_left(cache), "no pin is left (%u)", pins_left(cache));
	tap_ok(!flights_left(cache), "no flight is left (%u)", flights_left(cache));
	tap_ok(!locks_left(cache), "no lock is held (%u)", locks_left(cache));
}

/* Readers must not inherit an attached cache: theirs would not be the one that counts. */
static void totals_get(struct rawcache_stats *totals)
{
	struct rawcache *cache = attach(image);

	rawcache_stats_total(cache, totals, sizeof(*totals));
	rawcache_detach(cache);
}

static void run(const char *name)
{
	struct round round = { .random = seed++ };
	struct rawcache *cache;
	struct rawcache_stats before;

	totals_get(&before);
	shared->reads = shared->bytes = shared->bypassed = shared->changes = 0;
	shared->errors = 0;
	shared->forks = 0;
	shared->longest_us = 0;
	tap_note("round: %s, %u processes of %u threads, %.0f s", name, processes, threads,
		 seconds);
	round_run(&round);
	cache = attach(image);
	tap_note("%llu reads, %llu MiB through the cache, %llu reads past it, %llu changes, "
		 "%u kills, %u stops, %llu forks, longest wait %.1f ms",
		 (unsigned long long)shared->reads, (unsigned long long)shared->bytes >> 20,
		 (unsigned long long)shared->bypassed, (unsigned long long)shared->changes,
		 round.kills, round.stops, (unsigned long long)shared->forks,
		 (double)shared->longest_us / 1000);
	tap_ok(!shared->bad, "every byte is right%s%s", shared->bad ? ": " : "", shared->first_bad);
	tap_ok(!shared->errors, "no read failed (%u)", shared->errors);
	tap_ok(!round.hung && !round.failed, "no process hung or failed");
	/* a stopped one may be waited for; a killed one only until its death is seen */
	tap_ok(with_stop || shared->longest_us < HUNG_S * 1000000, "no read hung");
	check_left(cache);
	check_totals(cache, &before, shared->bytes, (uint64_t)round.kills * threads * READ_MAX);
	check_verify(cache);
	rawcache_detach(cache);
}

static void files_make(void)
{
	struct writer writer = { .random = seed, .buf = malloc(128u << 10) };

	for (uint32_t i = 0; i < FILES; i++) {
		struct shared_file *s = &shared->file[i];

		s->size[1] = size_random(&writer.random);
		file_replace(&writer, i, 1, s->size[1]);
		s->told = 1;
	}
	free(writer.buf);
	usleep(50000);
}

static void option_take(int c)
{
	switch (c) {
	case 's':
		seconds = atof(optarg);
		break;
	case 'p':
		processes = (unsigned int)atoi(optarg);
		break;
	case 't':
		threads = (unsigned int)atoi(optarg);
		break;
	case 'k':
		with_kill = true;
		break;
	case 'z':
		with_stop = true;
		break;
	case 'c':
		with_clock = true;
		break;
	case 'i':
		image = optarg;
		break;
	case 'w':
		test_io = !strcmp(optarg, "threads") ? RAWCACHE_IO_THREADS :
			  !strcmp(optarg, "sync")    ? RAWCACHE_IO_SYNC :
						       RAWCACHE_IO_URING;
		break;
	case 'd':
		test_direct = true;
		break;
	case 'r':
		seed = strtoull(optarg, NULL, 0);
		break;
	default:
		exit(2);
	}
}

static void options_parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "processes", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "kill", no_argument, NULL, 'k' },
		{ "stop", no_argument, NULL, 'z' },
		{ "clock", no_argument, NULL, 'c' },
		{ "image", required_argument, NULL, 'i' },
		{ "seed", required_argument, NULL, 'r' },
		{ "io", required_argument, NULL, 'w' },
		{ "direct", no_argument, NULL, 'd' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		option_take(c);
	if (!processes || processes > PROCESSES_MAX || !threads)
		die("bad number of processes or threads");
}

int main(int argc, char **argv)
{
	options_parse(argc, argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	if (!image)
		image = strdup(scratch_path("image"));
	if (access(image, F_OK))
		image_make(image, TEST_IMAGE_BYTES);
	files_make();
	if (with_kill || with_stop || with_clock) {
		run(with_clock ? with_stop ? "clock and stop" : "clock" :
		    with_kill  ? with_stop ? "kill and stop" : "kill" :
				 "stop");
		return tap_end();
	}
	run("plain");
	with_kill = true;
	run("kill");
	with_stop = true;
	run("kill and stop");
	with_kill = false;
	with_clock = true;
	setenv("RAWCACHE_TEST_BOOT_ID", "00000002-0000-0000-0000-000000000000", 1);
	run("clock and stop");
	return tap_end();
}
