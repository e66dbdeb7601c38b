/* SPDX-License-Identifier: MIT */
/*
 * Everything at once, for a while: threads open, duplicate, read and close files whose bytes tell
 * which file they are, while others fork, vfork, spawn and interrupt them. No byte of another
 * file, no hang.
 *
 *	LD_PRELOAD=... shim_storm DIRECTORY [SECONDS]
 *
 * DIRECTORY is configured; files are made in it. Exits 0, 1 with a message, 77.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES 24
#define WORDS 40000u
#define THREADS 6

static const char *directory;
static volatile int stop;
static unsigned long long *progress; /* shared with children */

static void fail(const char *what, long a, long b)
{
	fprintf(stderr, "shim_storm: %s: %ld, %ld (errno %d)\n", what, a, b, errno);
	abort();
}

static uint64_t word_of(unsigned int file, uint64_t index)
{
	return ((uint64_t)file << 48 | index) * UINT64_C(0x9e3779b97f4a7c15);
}

static void name_of(unsigned int file, char *name, size_t n)
{
	snprintf(name, n, "%s/storm%u", directory, file);
}

static void make_files(void)
{
	uint64_t *words = malloc(WORDS * sizeof(*words));
	char name[4096];

	for (unsigned int f = 0; f < FILES; f++) {
		int fd;

		name_of(f, name, sizeof(name));
		for (uint64_t i = 0; i < WORDS; i++)
			words[i] = word_of(f, i);
		fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (fd < 0 || write(fd, words, WORDS * 8) != (ssize_t)(WORDS * 8) || close(fd))
			exit(77);
	}
	free(words);
}

static unsigned int pick(uint64_t *state, unsigned int below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (unsigned int)(*state % below);
}

static void check(unsigned int file, const uint64_t *got, ssize_t n, uint64_t index)
{
	if (n < 0 || n % 8)
		fail("a read", n, (long)file);
	for (ssize_t i = 0; i < n / 8; i++)
		if (got[i] != word_of(file, index + (uint64_t)i))
			fail("bytes of another place or file", (long)file, (long)index);
}

/* Open a file, read here and there, look at the position, close. */
static void visit(uint64_t *state)
{
	unsigned int file = pick(state, FILES);
	uint64_t words[512];
	char name[4096];
	uint64_t at = 0;
	int fd;

	name_of(file, name, sizeof(name));
	fd = open(name, O_RDONLY | (pick(state, 2) ? O_CLOEXEC : 0));
	if (fd < 0)
		fail("open", fd, 0);
	for (unsigned int i = pick(state, 20); i; i--) {
		unsigned int n = 1 + pick(state, 512);
		uint64_t where = pick(state, WORDS);
		ssize_t got;

		switch (pick(state, 6)) {
		case 0:
			got = pread(fd, words, n * 8, (off_t)where * 8);
			check(file, words, got, where);
			break;
		case 1:
			if (lseek(fd, (off_t)where * 8, SEEK_SET) != (off_t)where * 8)
				fail("lseek", (long)where, 0);
			at = where;
			break;
		case 2: {
			int copy = dup(fd);

			close(fd);
			fd = copy;
			break;
		}
		default:
			got = read(fd, words, n * 8);
			check(file, words, got, at);
			at += (uint64_t)got / 8;
		}
	}
	if (lseek(fd, 0, SEEK_CUR) != (off_t)at * 8)
		fail("position", lseek(fd, 0, SEEK_CUR), (long)at * 8);
	if (close(fd))
		fail("close", fd, 0);
	__atomic_fetch_add(progress, 1, __ATOMIC_RELAXED);
}

static void *visitor(void *arg)
{
	uint64_t state = (uint64_t)(uintptr_t)arg * 77 + 1;

	while (!stop)
		visit(&state);
	return NULL;
}

extern char **environ;

static void child_works(int how, uint64_t *state)
{
	char *argv[] = { "true", NULL };
	pid_t pid = -1;
	int status;

	switch (how) {
	case 0:
		pid = fork();
		break;
	case 1:
		pid = _Fork();
		break;
	case 2:
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		break;
	case 3:
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ))
			return;
		break;
	default:
		pid = vfork();
		if (!pid) {
			for (int i = 3; i < 40; i++)
				close(i);
			execv("/bin/true", argv);
			_exit(0);
		}
	}
	if (!pid) {
		alarm(30);
		for (int i = 0; i < 20; i++)
			visit(state);
		_exit(0);
	}
	if (pid < 0)
		return;
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail("a child", how, status);
}

static void *parent(void *arg)
{
	uint64_t state = (uint64_t)(uintptr_t)arg * 99 + 5;

	while (!stop)
		child_works((int)pick(&state, 5), &state);
	return NULL;
}

static void handler(int sig)
{
	static __thread uint64_t state = 3;
	static __thread int inside;
	int saved = errno;

	(void)sig;
	if (!inside) {
		inside = 1;
		visit(&state);
		inside = 0;
	}
	errno = saved;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };
	int seconds = argc > 2 ? atoi(argv[2]) : 5;
	pthread_t t[THREADS], p[2];
	unsigned long long last = 0;

	if (argc < 2)
		return 77;
	directory = argv[1];
	progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc < 4)
		make_files();
	sigaction(SIGUSR1, &act, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, visitor, (void *)(i + 1));
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&p[i], NULL, parent, (void *)(i + 1));
	for (int tick = 0; tick < seconds * 200; tick++) {
		usleep(5000);
		pthread_kill(t[tick % THREADS], SIGUSR1);
		if (tick % 1000 == 999) {
			if (*progress == last)
				fail("no progress", tick, 0);
			last = *progress;
		}
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(p[i], NULL);
	printf("%llu visits\n", *progress);
	return 0;
}
