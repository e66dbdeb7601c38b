/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;
static unsigned long sums[4];

/* Read it through a descriptor, a mapping and a stream, with memory that comes and goes. */
static void *reader(void *arg)
{
	unsigned long sum = 0;

	for (int round = 0; round < 3; round++) {
		int fd = open(path, O_RDONLY);
		FILE *f = fopen(path, "r");
		char *map = mmap(NULL, 100000, PROT_READ, MAP_PRIVATE, fd, 0);
		char *line = NULL;
		size_t room = 0;
		ssize_t n;

		do {
			unsigned char *buf = malloc(10000);

			n = read(fd, buf, 10000);
			for (ssize_t i = 0; i < n; i++)
				sum = sum * 31 + buf[i];
			free(buf);
		} while (n > 0);
		while (getline(&line, &room, f) > 0)
			sum = sum * 31 + (unsigned char)line[0];
		free(line);
		for (size_t i = 0; i < 100000; i++)
			sum = sum * 31 + (unsigned char)map[i];
		munmap(map, 100000);
		fclose(f);
		close(dup2(fd, fd + 100));
		close(fd);
	}
	*(unsigned long *)arg = sum;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[4];
	int status = 0;
	pid_t pid;

	if (argc < 2)
		return 2;
	path = argv[1];
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, reader, &sums[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 1; i < 4; i++)
		if (sums[i] != sums[0])
			return 1;
	pid = fork();
	if (!pid) {
		reader(&sums[1]);
		_exit(sums[1] != sums[0]);
	}
	waitpid(pid, &status, 0);
	printf("%lu\n", sums[0]);
	return status != 0;
}
