/* SPDX-License-Identifier: MIT */
/* The writer: files are replaced, rewritten, shortened and extended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <rawcache/embed.h>

#include "base/compiler.h"
#include "base/sys.h"
#include "pattern.h"
#include "support.h"
#include "torture_engine.h"

#define FILE_MEAN (2u << 20)
#define TICK_US 30000 /* more than a tick of the clock that stamps files */

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

int writer_main(uint64_t random)
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

void files_make(void)
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
