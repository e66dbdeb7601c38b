/* SPDX-License-Identifier: MIT */
/* What a read may return, and what is told of one that returned something else. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outside.h" /* first */

#include "base/compiler.h"
#include "base/sys.h"
#include "coherence.h"
#include "pattern.h"

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

void check_bytes(const struct opened *o, enum way way, const char *buf, size_t n, uint64_t offset)
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

void check_end(const struct opened *o, enum way way, uint64_t end)
{
	const struct history *h = &shared->file[o->number];
	char text[80];

	if (was_short(o, end))
		return;
	snprintf(text, sizeof(text), "it ends at %llu, and was %llu long or more",
		 (unsigned long long)end, (unsigned long long)h->smallest[o->sizes % SIZES]);
	report(o, way, end, o->sizes, load_relaxed(&h->sizes), text);
}
