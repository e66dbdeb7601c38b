/* SPDX-License-Identifier: MIT */
/*
 * shim_frozen HOW FILE: threads that read a small file of a frozen tree, while another one does what ends stand-ins
 * (HOW: look, fork), have each of its bytes once.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 600
#define PIECE 100
#define MOST 65536

static char want[MOST];
static volatile bool over;
static bool forks;

static ssize_t file_read(const char *path, char *buf)
{
	int fd = open(path, O_RDONLY);
	ssize_t done = 0;
	ssize_t n;

	while ((n = read(fd, buf + done, PIECE)) > 0 && done + n <= MOST - PIECE)
		done += n;
	close(fd);
	return done;
}

static void *other(void *arg)
{
	while (!over) {
		pid_t child = forks ? fork() : -1;

		if (!child)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
		else
			close(open("/proc/self/stat", O_RDONLY));
	}
	return arg;
}

int main(int argc, char **argv)
{
	static char got[MOST];
	int wrong = 0;
	pthread_t thread;
	ssize_t n;

	if (argc != 3)
		return 2;
	forks = !strcmp(argv[1], "fork");
	n = file_read(argv[2], want);
	if (n <= 0 || pthread_create(&thread, NULL, other, NULL))
		return 2;
	for (int i = 0; i < ROUNDS; i++)
		wrong += file_read(argv[2], got) != n || memcmp(got, want, (size_t)n) != 0;
	over = true;
	pthread_join(thread, NULL);
	printf("%d of %d wrong\n", wrong, ROUNDS);
	return wrong != 0;
}
