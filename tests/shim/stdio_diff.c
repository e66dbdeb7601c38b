/* SPDX-License-Identifier: MIT */
/*
 * Random stdio calls on two files with the same bytes, in lockstep: one below a configured
 * directory, one outside. Results, errno, bytes, feof(), ferror(), ftell() and, where libc
 * defines it, the position in the kernel must be the same.
 *
 *	LD_PRELOAD=... stdio_diff CACHED-FILE PLAIN-FILE [SEED [ROUNDS]]
 *
 * Exits 0, or 1 at the first difference with the seed and the call on standard error. Built
 * without optimization of the calls: getc_unlocked() is tried as a macro and as a function.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "stdio_diff.h"

#define PAIRS 6

static const char *path[2];
static struct slot slots[PAIRS];
char room[2][ROOM];
static uint64_t state;
static unsigned long step, seed;
const char *what;
static off_t size;
static int null_fd;

uint64_t rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

void same(const char *how, long a, long b)
{
	if (a == b)
		return;
	fprintf(stderr, "seed %lu step %lu %s: %s: %ld, plain file %ld\n", seed, step, what, how, a,
		b);
	exit(1);
}

size_t some_size(void)
{
	switch (rnd(8)) {
	case 0:
		return rnd(3);
	case 1:
		return 4096;
	case 2:
		return 8192 + rnd(2);
	case 3:
		return rnd(ROOM);
	case 4:
		return rnd(20000);
	default:
		return rnd(300);
	}
}

static off_t some_offset(void)
{
	switch (rnd(8)) {
	case 0:
		return size + (off_t)rnd(9) - 4;
	case 1:
		return (off_t)rnd(90) * 4096;
	case 2:
		return -(off_t)rnd(10);
	case 3:
		return size * 2;
	case 4:
		return size - (off_t)rnd(5000);
	default:
		return (off_t)rnd((uint64_t)size + 1);
	}
}

static FILE *open_one(int i, int how)
{
	FILE *f;
	int fd;

	switch (how) {
	case 0:
		fd = open(path[i], O_RDONLY);
		lseek(fd, 1000, SEEK_SET);
		return fdopen(fd, "r");
	case 1:
		fd = open(path[i], O_RDONLY);
		if (read(fd, room[i], 777) != 777)
			return NULL;
		return fdopen(fd, "rb");
	case 2:
		f = fopen("/dev/null", "r");
		return freopen(path[i], "r", f);
	case 3:
		f = fopen(path[1 - i], "r");
		getc(f);
		return freopen(path[i], "re", f);
	default:
		return fopen(path[i], how & 1 ? "r" : "rce");
	}
}

static void do_open(struct slot *s)
{
	int how = (int)rnd(16);
	static const int modes[] = { _IONBF, _IOLBF, _IOFBF };
	int mode = modes[rnd(3)];
	size_t n = 1 + rnd(9000);

	s->scanned = s->pushed = 0;
	BOTH("open", !(s->f[i] = open_one(i, how)));
	if (rnd(4))
		return;
	for (int i = 0; i < 2; i++)
		s->own[i] = malloc(n);
	BOTH("setvbuf", setvbuf(f, mode == _IOFBF ? s->own[i] : NULL, mode, n));
}

/* The position that a duplicate is left with. */
static long close_one(FILE *f)
{
	int copy = dup(fileno(f));
	long at;

	if (fclose(f))
		return -2;
	at = lseek(copy, 0, SEEK_CUR);
	close(copy);
	errno = 0;
	return at;
}

static void do_close(struct slot *s)
{
	if (s->scanned)
		BOTH("fclose", fclose(f));
	else
		BOTH("fclose", close_one(f));
	for (int i = 0; i < 2; i++) {
		free(s->own[i]);
		s->own[i] = NULL;
		s->f[i] = NULL;
	}
}

static void do_unget(struct slot *s)
{
	int c = (int)rnd(256);
	int own = (int)rnd(2);
	int count = 1 + (int)rnd(4);

	s->pushed = 1;
	BOTH("getc, ungetc", ungetc(own ? getc(f) : c, f));
	while (--count)
		BOTH("ungetc", ungetc(c, f));
}

static long set_position(FILE *f, off_t offset)
{
	fpos_t at = { 0 };

	at.__pos = offset;
	return fsetpos(f, &at);
}

static void do_seek(struct slot *s)
{
	static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END };
	int whence = whences[rnd(3)];
	off_t offset = rnd(2) ? some_offset() : (off_t)rnd(10000) - 5000;

	switch (rnd(8)) {
	case 0:
		BOTH("rewind", (rewind(f), 0));
		break;
	case 1:
		BOTH("fsetpos", set_position(f, offset));
		break;
	case 2:
		BOTH("fseeko", fseeko(f, offset, whence));
		break;
	case 3:
		BOTH("fseek 77", fseek(f, offset, 77));
		break;
	default:
		BOTH("fseek", fseek(f, offset, whence));
	}
}

/* A child goes on reading; POSIX has both flush before and after. */
static long child_reads(FILE *f, size_t n)
{
	int status;
	pid_t pid;

	fflush(f);
	pid = fork();
	if (!pid) {
		static char buf[ROOM];

		n = fread(buf, 1, n, f);
		fflush(f);
		_exit((int)(n % 100));
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	errno = 0;
	return status;
}

/* libc's own mapping; glibc 2.36 does not survive ungetc() on it */
static long mapped(const char *name, char *buf, size_t n)
{
	FILE *f = fopen(name, "rm");
	long got = (long)fread(buf, 1, n, f) + getc(f) + !!fgets(buf, 4096, f);

	fclose(f);
	return got;
}

static void do_odd(struct slot *s)
{
	size_t n = some_size();
	wchar_t line[8];

	switch (rnd(12)) {
	case 0:
		BOTH("write", fputc('x', f));
		break;
	case 1:
		if (s->scanned && s->pushed)
			break;
		/* the stream did not see it: no ftell() until the next seek */
		BOTH("fflush, read", (fflush(f), read(fileno(f), buf, n)));
		BOTH("fseek", fseek(f, 5000, SEEK_SET));
		break;
	case 2:
		if (!rnd(4) && !(s->scanned && s->pushed)) {
			BOTH("fork", child_reads(f, n));
			BOTH("fseek", fseek(f, (long)n, SEEK_SET));
		}
		break;
	case 3:
		if (!rnd(4)) {
			do_close(s);
			do_open(s);
			BOTH("fgetwc", fgetwc(f));
			BOTH("getwc", getwc(f));
			BOTH("fgetws", !!fgetws(line, 8, f));
			BOTH("getc of a wide stream", getc(f));
			do_close(s);
		}
		break;
	case 4:
		BOTH("no bytes", fread(buf, 0, n, f) + fread(buf, n, 0, f));
		break;
	case 5:
		BOTH("mapped", mapped(path[i], buf, n));
		break;
	case 6:
		BOTH("descriptor lent to nothing", dup2(null_fd, fileno(f)) < 0);
		do_close(s);
		break;
	default:
		BOTH("clearerr", (clearerr(f), 0));
	}
}

static void look(struct slot *s)
{
	if (!s->f[0])
		return;
	BOTH("feof", !!feof(f));
	BOTH("ferror", !!ferror(f));
	if (!rnd(3))
		BOTH("ftell", ftell(f));
	if (!s->scanned && !rnd(3))
		BOTH("lseek", lseek(fileno(f), 0, SEEK_CUR));
	if (!rnd(6) && !(s->scanned && s->pushed)) {
		BOTH("fflush", fflush(f));
		BOTH("lseek after fflush", lseek(fileno(f), 0, SEEK_CUR));
	}
}

static void one_step(void)
{
	struct slot *s = &slots[rnd(PAIRS)];

	if (!s->f[0]) {
		do_open(s);
		return;
	}
	switch (rnd(24)) {
	case 0:
		do_close(s);
		break;
	case 1:
		do_odd(s);
		break;
	case 2:
	case 3:
		do_unget(s);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		do_seek(s);
		break;
	case 9:
	case 10:
		do_scan(s);
		break;
	case 11:
	case 12:
	case 13:
	case 14:
		do_line(s);
		break;
	case 15:
	case 16:
	case 17:
	case 18:
		do_chars(s);
		break;
	default:
		do_read(s);
	}
	look(s);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 4 ? strtoul(argv[4], NULL, 0) : 20000;
	struct stat st;

	if (argc < 3 || stat(argv[2], &st))
		return 77;
	path[0] = argv[1];
	path[1] = argv[2];
	size = st.st_size;
	null_fd = open("/dev/null", O_RDONLY);
	seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (step = 0; step < rounds; step++)
		one_step();
	return 0;
}
