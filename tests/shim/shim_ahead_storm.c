/* SPDX-License-Identifier: MIT */
/*
 * Files that come, go and change while programs below the shim open them in order, so that helpers open them ahead.
 *
 *	LD_PRELOAD=... shim_ahead_storm DIRECTORY STATE SECONDS
 *
 * A file's bytes are the number of its change. Makers replace, remove, move, shorten and lock away files: one below
 * the shim, one without it, one in a mount namespace of its own (where that is allowed). STATE is a file that all map:
 * for each name the number of its change, and whether it exists. An open is wrong if it fails or gives another file
 * than the state says, which was the same before the call and after.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"

#define DIRS 8
#define FILES 90
#define MAKERS 3
#define READERS 3
#define PAUSE_US 20000

#define EXISTS 1u
#define CHANGING 2u
#define STEP_OF 4u /* a change is another number */

struct state {
	uint32_t file[DIRS][FILES];
	uint32_t over;
	uint32_t wrong, right, gone;
};

static const char *top;
static struct state *state;

static void name_of(char path[4096], int d, int f, const char *suffix)
{
	snprintf(path, 4096, "%s/d%d/f%d%s", top, d, f, suffix);
}

static void die_of(const char *what)
{
	perror(what);
	exit(1);
}

/* The number is written as often as the file is long, so that a part of it tells, too. */
static void write_number(const char *path, uint32_t number, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);
	uint32_t words[64];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = number;
	if (fd < 0 || write(fd, words, sizeof(words)) != sizeof(words) || close(fd))
		die_of(path);
}

static void change(int d, int f)
{
	uint32_t *word = &state->file[d][f];
	uint32_t was = load_acquire(word);
	uint32_t number = (was & ~(EXISTS | CHANGING)) + STEP_OF;
	char path[4096], other[4096];

	name_of(path, d, f, "");
	name_of(other, d, f, ".new");
	store_release(word, number | CHANGING);
	fence_full();
	if (was & EXISTS && random() % 2) {
		if (random() % 2 ? unlink(path) : rename(path, other))
			die_of(path);
		unlink(other);
		fence_full();
		store_release(word, number);
		return;
	}
	if (random() % 3) {
		unlink(other);
		write_number(other, number, O_EXCL);
		if (rename(other, path))
			die_of(other);
	} else {
		write_number(path, number, random() % 2 ? O_TRUNC : 0);
	}
	fence_full();
	store_release(word, number | EXISTS);
}

static void maker(int me)
{
	srandom((unsigned int)(me + 1));
	if (me == 2 && unshare(CLONE_NEWNS))
		fprintf(stderr, "# no mount namespace of its own: %s\n", strerror(errno));
	while (!load_acquire(&state->over)) {
		/* each has names of its own */
		change((int)(random() % DIRS), (int)(random() % (FILES / MAKERS)) * MAKERS + me);
		usleep((useconds_t)(random() % PAUSE_US));
	}
}

/* Open one as the kernel's answer must be now, if nobody changes it meanwhile. */
static void check(int d, int f, int dir, const char *name, int flags)
{
	const uint32_t *word = &state->file[d][f];
	uint32_t before = load_acquire(word), after, got = 0;
	int lowest = dup(0);
	int fd, error;

	close(lowest);
	fence_full();
	fd = openat(dir, name, O_RDONLY | flags);
	error = errno;
	fence_full();
	after = load_acquire(word);
	if (fd >= 0 && pread(fd, &got, sizeof(got), 128) < 0)
		got = UINT32_MAX;
	fence_full();
	if (before == after && !(before & CHANGING)) {
		bool exists = before & EXISTS;
		bool same = load_acquire(word) == before; /* when it was read */
		bool good = exists ? fd == lowest && (!same || got == (before & ~EXISTS)) :
				     fd < 0 && error == ENOENT;

		fetch_add(good ? &state->right : &state->wrong, 1);
		if (!exists)
			fetch_add(&state->gone, 1);
		if (!good)
			fprintf(stderr,
				"# %d/%d: state %u, open %d (lowest %d) errno %d, number %u\n", d,
				f, before, fd, lowest, error, got);
	}
	if (fd >= 0)
		close(fd);
}

/* Scan a directory as grep does, or as a sorted list of paths. */
static void scan(int d, int kind)
{
	char path[4096];
	struct dirent *entry;
	DIR *dir;
	int f;

	snprintf(path, sizeof(path), "%s/d%d", top, d);
	dir = opendir(path);
	if (!dir)
		die_of(path);
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "f%d", &f) != 1 || strchr(entry->d_name, '.'))
			continue;
		name_of(path, d, f, "");
		if (random() % 200 == 0)
			continue; /* it leaves one out */
		if (kind % 2)
			check(d, f, dirfd(dir), entry->d_name, O_NOFOLLOW | O_CLOEXEC);
		else
			check(d, f, AT_FDCWD, path, O_NONBLOCK);
	}
	closedir(dir);
}

static void reader(int me)
{
	srandom((unsigned int)(me + 100));
	while (!load_acquire(&state->over))
		scan((int)(random() % DIRS), (int)random());
}

static void make_all(void)
{
	char path[4096];

	for (int d = 0; d < DIRS; d++) {
		snprintf(path, sizeof(path), "%s/d%d", top, d);
		mkdir(path, 0777);
		for (int f = 0; f < FILES; f++) {
			name_of(path, d, f, "");
			write_number(path, STEP_OF, O_TRUNC);
			state->file[d][f] = STEP_OF | EXISTS;
		}
	}
}

/* A process of its own; `plain`: without the shim, by exec. */
static pid_t start(char **argv, const char *as, int me, bool plain)
{
	char number[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(number, sizeof(number), "%d", me);
	if (plain)
		unsetenv("LD_PRELOAD");
	execl("/proc/self/exe", argv[0], argv[1], argv[2], as, number, NULL);
	die_of("exec");
	return -1;
}

int main(int argc, char **argv)
{
	pid_t pids[MAKERS + READERS];
	int status, failed = 0;
	int fd;

	if (argc < 4)
		return 2;
	top = argv[1];
	fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*state)))
		die_of(argv[2]);
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		die_of("mmap");
	if (argc > 4) {
		(*argv[3] == 'm' ? maker : reader)(atoi(argv[4]));
		return 0;
	}
	make_all();
	sleep(3); /* files are cached, and so on, when they are settled */
	for (int i = 0; i < MAKERS; i++)
		pids[i] = start(argv, "maker", i, i > 0);
	for (int i = 0; i < READERS; i++)
		pids[MAKERS + i] = start(argv, "reader", i, false);
	sleep((unsigned int)atoi(argv[3]));
	store_release(&state->over, 1);
	for (int i = 0; i < MAKERS + READERS; i++)
		if (waitpid(pids[i], &status, 0) < 0 || status)
			failed = 1;
	printf("# %u right, of these %u absent; %u wrong\n", state->right, state->gone,
	       state->wrong);
	return failed || state->wrong || state->right < 100;
}
