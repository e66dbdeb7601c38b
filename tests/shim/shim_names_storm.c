/* SPDX-License-Identifier: MIT */
/*
 * Names that come and go while others look for them.
 *
 *	LD_PRELOAD=... shim_names_storm DIRECTORY STATE SECONDS
 *
 * Below the shim: readers, which check each answer, and one who makes and removes names. Two others do so without the
 * shim, one of them in a mount namespace of its own (where that is allowed). STATE is a file that all map: for each
 * name whether it exists, or is being changed. An answer is wrong if the name's state was another one, and the same
 * before the call and after. Each directory is left alone for long enough, again and again, to be believed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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

#define DIRS 24
#define MAKERS 3
#define OF_EACH 3 /* names of each maker in a directory */
#define READERS 3
#define PAUSE_US 400000

#define EXISTS 1u
#define CHANGING 2u
#define STEP_OF 4u /* a change is another number */

struct state {
	uint32_t name[DIRS][MAKERS][OF_EACH];
	uint32_t over;
	uint32_t wrong, right;
};

static const char *top;
static struct state *state;

static void name_of(char path[4096], int d, int maker, int i)
{
	snprintf(path, 4096, "%s/s%d/m%d-%d", top, d, maker, i);
}

static int make(const char *path, const char *from)
{
	int fd;

	switch (random() % 5) {
	case 0:
		return mkdir(path, 0777);
	case 1:
		return symlink("nowhere", path);
	case 2:
		return link(from, path);
	case 3:
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
		return fd < 0 ? -1 : close(fd);
	default: {
		char other[4200];

		snprintf(other, sizeof(other), "%s.new", from);
		fd = open(other, O_CREAT | O_WRONLY, 0666);
		return fd < 0 || close(fd) || rename(other, path);
	}
	}
}

static int take_away(const char *path, const char *from)
{
	char other[4200];

	if (random() % 2)
		return unlink(path) && rmdir(path);
	snprintf(other, sizeof(other), "%s.old", from);
	unlink(other);
	rmdir(other);
	return rename(path, other);
}

static int run_maker(int maker)
{
	char path[4096], from[4096];

	srandom((unsigned int)(maker + 100 * time(NULL)));
	snprintf(from, sizeof(from), "%s/from/%d", top, maker);
	close(open(from, O_CREAT | O_WRONLY, 0666));
	while (!load_relaxed(&state->over)) {
		int d = (int)(random() % DIRS), i = (int)(random() % OF_EACH);
		uint32_t *word = &state->name[d][maker][i];
		uint32_t was = load_relaxed(word) & ~CHANGING;

		name_of(path, d, maker, i);
		store_release(word, (was + STEP_OF) | CHANGING);
		fence_full();
		if (was & EXISTS ? take_away(path, from) : make(path, from)) {
			fprintf(stderr, "maker %d: %s: %s\n", maker, path, strerror(errno));
			return 1;
		}
		fence_full();
		store_release(word, (was + STEP_OF) ^ EXISTS);
		usleep(PAUSE_US);
	}
	return 0;
}

static int seems(const char *path)
{
	struct stat st;
	char buf[16];
	int fd;

	switch (random() % 4) {
	case 0:
		return lstat(path, &st) == 0;
	case 1:
		return !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW);
	case 2:
		return readlink(path, buf, sizeof(buf)) >= 0 || errno == EINVAL;
	default:
		fd = open(path, O_PATH | O_NOFOLLOW);
		return fd < 0 ? 0 : !close(fd);
	}
}

static int run_reader(int reader)
{
	char path[4096];

	srandom((unsigned int)reader);
	while (!load_relaxed(&state->over)) {
		int d = (int)(random() % DIRS), maker = (int)(random() % MAKERS),
		    i = (int)(random() % OF_EACH);
		uint32_t *word = &state->name[d][maker][i];
		uint32_t before = load_acquire(word);
		int exists;

		name_of(path, d, maker, i);
		exists = seems(path);
		fence_full();
		if (before & CHANGING || load_relaxed(word) != before)
			continue;
		fetch_add(exists == (int)(before & EXISTS) ? &state->right : &state->wrong, 1);
		if (exists != (int)(before & EXISTS))
			fprintf(stderr, "%s is said %sto exist\n", path, exists ? "" : "not ");
	}
	return 0;
}

static pid_t start(char **argv, int maker)
{
	char number[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	if (!maker)
		_exit(run_maker(0));
	if (maker == 2 && unshare(CLONE_NEWNS))
		fprintf(stderr, "no mount namespace here\n");
	snprintf(number, sizeof(number), "%d", maker);
	unsetenv("LD_PRELOAD");
	execl("/proc/self/exe", argv[0], argv[1], argv[2], "0", number, (char *)NULL);
	_exit(1);
}

static void prepare(void)
{
	char path[4096];

	for (int d = 0; d < DIRS; d++) {
		snprintf(path, sizeof(path), "%s/s%d", top, d);
		mkdir(path, 0777);
	}
	snprintf(path, sizeof(path), "%s/from", top);
	mkdir(path, 0777);
}

int main(int argc, char **argv)
{
	int children = 0, failures = 0, status;
	int fd = argc < 4 ? -1 : open(argv[2], O_RDWR | O_CREAT, 0666);

	if (fd < 0 || ftruncate(fd, sizeof(*state)))
		return 2;
	top = argv[1];
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		return 2;
	if (argc > 4)
		return run_maker(atoi(argv[4]));
	prepare();
	for (int maker = 0; maker < MAKERS; maker++, children++)
		start(argv, maker);
	for (int reader = 0; reader < READERS; reader++, children++)
		if (!fork())
			_exit(run_reader(reader));
	sleep((unsigned int)atoi(argv[3]));
	store_release(&state->over, 1);
	while (children-- && wait(&status) > 0)
		failures += status != 0;
	fprintf(stderr, "%u answers right, %u wrong\n", state->right, state->wrong);
	return failures || state->wrong || !state->right;
}
