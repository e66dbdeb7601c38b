/* SPDX-License-Identifier: MIT */
/*
 * Streams and threads under the shim: shim_streams NUMBERS FIFO
 *
 * NUMBERS has the numbers from 1 on, one in each line; FIFO is a named pipe. Threads take lines and
 * bytes from one stream, and are cancelled in its functions, which must leave its lock free. TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBERS 100000
#define THREADS 4

static int tests, failures;
static unsigned char seen[NUMBERS + 1];
static FILE *shared;
static int bad;

static void result(int good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failures += !good;
}

static void note(long number)
{
	if (number < 1 || number > NUMBERS ||
	    __atomic_fetch_add(&seen[number], 1, __ATOMIC_RELAXED))
		bad = 1;
}

/* Whole lines by several functions: no line is torn, lost or doubled. */
static void *taker(void *arg)
{
	char line[64], *p = NULL;
	size_t room = 0;

	for (long i = (long)arg;; i++) {
		if (i % 2) {
			if (!fgets(line, sizeof(line), shared))
				break;
			note(atol(line));
		} else {
			if (getline(&p, &room, shared) < 0)
				break;
			note(atol(p));
		}
	}
	free(p);
	return NULL;
}

static void together(const char *path)
{
	pthread_t t[THREADS];
	int good = 1;

	shared = fopen(path, "r");
	for (long i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, taker, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 1; i <= NUMBERS; i++)
		good = good && seen[i] == 1;
	fclose(shared);
	result(good && !bad, "threads share the lines of a stream");
}

static void *endless(void *arg)
{
	char line[64];

	(void)arg;
	for (;;)
		if (!fgets(line, sizeof(line), shared))
			rewind(shared);
	return NULL;
}

/* A thread that was cancelled holds no lock: another can take it. */
static int lock_free(void)
{
	int err = ftrylockfile(shared);

	if (!err)
		funlockfile(shared);
	return !err;
}

static void cancelled_reading(const char *path)
{
	int good = 1;

	for (int i = 0; i < 20; i++) {
		void *end = NULL;
		pthread_t t;

		shared = fopen(path, "r");
		pthread_create(&t, NULL, endless, NULL);
		usleep((useconds_t)(500 + i * 300));
		pthread_cancel(t);
		pthread_join(t, &end);
		good = good && end == PTHREAD_CANCELED && lock_free();
		fclose(shared);
	}
	result(good, "a thread is cancelled while it reads a cached stream");
}

static void *waits(void *arg)
{
	char line[64];

	(void)arg;
	fgets(line, sizeof(line), shared);
	return NULL;
}

/* The stream of a cached file becomes that of a pipe with nobody at the other end's pen. */
static void cancelled_waiting(const char *path, const char *fifo)
{
	int pen = open(fifo, O_RDWR);
	void *end = NULL;
	char line[64];
	pthread_t t;

	shared = fopen(path, "r");
	fgets(line, sizeof(line), shared);
	shared = freopen(fifo, "r", shared);
	pthread_create(&t, NULL, waits, NULL);
	usleep(50000);
	pthread_cancel(t);
	pthread_join(t, &end);
	result(end == PTHREAD_CANCELED && lock_free(), "and while it waits for a pipe");
	fclose(shared);
	close(pen);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 77;
	setvbuf(stdout, NULL, _IOLBF, 0);
	together(argv[1]);
	cancelled_reading(argv[1]);
	cancelled_waiting(argv[1], argv[2]);
	printf("1..%d\n", tests);
	return failures != 0;
}
