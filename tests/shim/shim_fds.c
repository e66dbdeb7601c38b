/* SPDX-License-Identifier: MIT */
/*
 * Numbers that change their meaning: every way to close, replace, pass on or inherit a
 * descriptor, after which the old file's bytes must not come out of the number (INV-6).
 *
 *	LD_PRELOAD=... shim_fds FILE-A FILE-B
 *
 * Both lie below a configured directory, have settled, are longer than 64 KiB and differ in
 * every 4 KiB block. Speaks TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <pty.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include "shim_fds.h"

const char *a, *b;
char *bytes_a, *bytes_b;
char buf[BLOCK];
static int tests, failures;

void result(int good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failures += !good;
}

static char *bytes_of(const char *path)
{
	FILE *f = fopen(path, "r");
	char *p = malloc(16 * BLOCK);

	if (!f || fread(p, 1, 16 * BLOCK, f) != 16 * BLOCK)
		exit(77);
	fclose(f);
	return p;
}

int started(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (read(fd, buf, BLOCK) != BLOCK)
		exit(99);
	return fd;
}

int gives(int fd, const char *bytes, int n)
{
	return read(fd, buf, BLOCK) == BLOCK && !memcmp(buf, bytes + n * BLOCK, BLOCK);
}

static int is_bad(int fd)
{
	errno = 0;
	return read(fd, buf, 1) == -1 && errno == EBADF;
}

static void closing(void)
{
	int fd;

	fd = started(a);
	close(fd);
	result(is_bad(fd), "close");
	fd = started(a);
	syscall(SYS_close, fd);
	result(is_bad(fd), "syscall(SYS_close)");
	fd = started(a);
	close_range((unsigned)fd, ~0u, 0);
	result(is_bad(fd), "close_range");
	fd = started(a);
	close_range((unsigned)fd, ~0u, CLOSE_RANGE_CLOEXEC);
	result(gives(fd, bytes_a, 1), "close_range that only marks");
	closefrom(fd);
	result(is_bad(fd), "closefrom");
	fd = started(a);
	mq_close(fd);
	result(is_bad(fd), "mq_close of what is no queue");
	fd = started(a);
	fclose(fdopen(fd, "r"));
	result(is_bad(fd), "fclose of a stream on it");
	fd = started(a);
	result(closedir(fdopendir(fd)) == -1 || 1, "closedir of what is no directory");
	close(fd);
	fd = started(a);
	result(dup2(-1, fd) == -1 && gives(fd, bytes_a, 1), "a dup2 that fails changes nothing");
	close(fd);
}

static void replacing(void)
{
	int plain = open("/dev/zero", O_RDONLY);
	int fd = started(a);
	int other = started(b);

	dup2(other, fd);
	result(gives(fd, bytes_b, 1) && gives(other, bytes_b, 2), "dup2 shares the position");
	dup2(plain, fd);
	result(read(fd, buf, BLOCK) == BLOCK && !buf[0] && !buf[BLOCK - 1],
	       "dup2 of an untracked one");
	dup3(other, fd, O_CLOEXEC);
	result(gives(fd, bytes_b, 3), "dup3 back");
	close(other);
	result(gives(fd, bytes_b, 4), "the duplicate survives the original");
	other = fcntl(fd, F_DUPFD, 1500);
	result(other >= 1500 && gives(other, bytes_b, 5), "a duplicate beyond the first page");
	close(fd);
	close(other);
	result(is_bad(other), "and closed");
	close(plain);
}

static void streams(void)
{
	FILE *f = fopen(a, "r");
	int fd = fileno(f);
	FILE *g;

	result(fread(buf, 1, BLOCK, f) == BLOCK && !memcmp(buf, bytes_a, BLOCK), "fread");
	f = freopen(b, "r", f);
	result(f && fread(buf, 1, BLOCK, f) == BLOCK && !memcmp(buf, bytes_b, BLOCK), "freopen");
	fclose(f);
	result(is_bad(fd), "fclose");
	fd = started(a);
	g = fdopen(fd, "r");
	result(g && fread(buf, 1, BLOCK, g) == BLOCK && !memcmp(buf, bytes_a + BLOCK, BLOCK),
	       "fdopen goes on where read() was");
	result(!fseek(g, 3 * BLOCK, SEEK_SET) && fread(buf, 1, BLOCK, g) == BLOCK &&
		       !memcmp(buf, bytes_a + 3 * BLOCK, BLOCK),
	       "fseek");
	fclose(g);
	f = fopen(a, "r");
	result(gives(fileno(f), bytes_a, 0) && gives(fileno(f), bytes_a, 1),
	       "read() on the descriptor of a stream, as libstdc++ does");
	fclose(f);
	f = popen("cat", "w");
	pclose(f);
	result(1, "popen");
}

static int own_fds(int *list, int max)
{
	const char *image = getenv("RAWCACHE_DEVICE");
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;
	int n = 0;

	while ((d = readdir(dir))) {
		char link[512] = "";

		if (readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1) > 0 && image &&
		    !strcmp(link, image) && n < max)
			list[n++] = atoi(d->d_name);
	}
	closedir(dir);
	return n;
}

static void own(void)
{
	int own[8];
	int n;
	int fd = started(a);

	close(fd);
	n = own_fds(own, 8);
	if (!n) {
		printf("ok %d # SKIP not attached\n", ++tests);
		return;
	}
	errno = 0;
	result(close(own[0]) == -1 && errno == EBADF, "the cache's own descriptor is not there");
	result(fcntl(own[0], F_GETFD) >= 0, "and stays open");
	closefrom(3);
	result(fcntl(own[0], F_GETFD) >= 0, "after closefrom");
	close_range(3, ~0u, 0);
	result(fcntl(own[0], F_GETFD) >= 0, "after close_range");
	fd = started(a);
	result(gives(fd, bytes_a, 1), "reads go on");
	dup2(0, own[0]);
	result(gives(fd, bytes_a, 2), "also when its descriptor was replaced");
	close(own[0]);
	result(gives(fd, bytes_a, 3), "and closed after that");
	close(fd);
}

/* --- two threads that replace one number */

#define RACES 3000

static pthread_barrier_t race_begin, race_end;
static int race_to, race_from[2];

static void *race_replace(void *arg)
{
	int from = (int)(intptr_t)arg;

	for (int i = 0; i < RACES; i++) {
		pthread_barrier_wait(&race_begin);
		dup2(race_from[from], race_to);
		pthread_barrier_wait(&race_end);
	}
	return NULL;
}

/* The bytes that the number gives are those of the file that the kernel has there. */
static int race_right(const struct stat *of_a)
{
	struct stat st;
	const char *bytes;

	if (fstat(race_to, &st))
		return 0;
	bytes = st.st_ino == of_a->st_ino ? bytes_a : bytes_b;
	return pread(race_to, buf, BLOCK, 3 * BLOCK) == BLOCK &&
	       !memcmp(buf, bytes + 3 * BLOCK, BLOCK);
}

static void races(void)
{
	pthread_t threads[2];
	struct stat of_a;
	int right = 0;

	race_from[0] = started(a);
	race_from[1] = started(b);
	race_to = open("/dev/null", O_RDONLY);
	fstat(race_from[0], &of_a);
	pthread_barrier_init(&race_begin, NULL, 3);
	pthread_barrier_init(&race_end, NULL, 3);
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, race_replace, (void *)i);
	for (int i = 0; i < RACES; i++) {
		pthread_barrier_wait(&race_begin);
		pthread_barrier_wait(&race_end);
		right += race_right(&of_a);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	result(right == RACES, "a number that two threads replace at the same time");
	result(gives(race_from[0], bytes_a, 1) && gives(race_from[1], bytes_b, 1),
	       "and what it was replaced with");
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		return 77;
	a = argv[1];
	b = argv[2];
	bytes_a = bytes_of(a);
	bytes_b = bytes_of(b);
	closing();
	replacing();
	streams();
	in_child(daemon_drops, "daemon() replaces the standard descriptors");
	in_child(login_drops, "so does login_tty()");
	in_child(forkpty_drops, "and forkpty() in its child");
	in_child(exec_all, "exec in all spellings, after fork and after vfork");
	in_child(large_fd, "a descriptor beyond the table");
	in_child(unshared_copy, "what a vfork child does to its descriptors");
	in_child(reopened, "the same number, one file after the other");
	in_child(flags_switch, "O_DIRECT set later");
	own();
	races();
	printf("1..%d\n", tests);
	return failures != 0;
}
