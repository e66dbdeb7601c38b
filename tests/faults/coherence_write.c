/* SPDX-License-Identifier: MIT */
/* Writers: changes of files, with what may be read meanwhile and must be read afterwards. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"
#include "coherence.h"
#include "pattern.h"

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

void change_replace(struct change *c, uint64_t r, uint64_t size)
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

int writer_main(uint64_t random, bool under_shim)
{
	while (!load_acquire(&shared->stop)) {
		usleep((useconds_t)(pattern_random(&random) % 70000));
		writer_step(&random, under_shim);
	}
	return 0;
}
