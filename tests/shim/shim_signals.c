/* SPDX-License-Identifier: MIT */
/*
 * Signal handlers that read while the same thread reads, on the same stack and on another one;
 * handlers that leave by siglongjmp(); threads that read one descriptor together; cancellation;
 * faults that are the program's own.
 *
 *	LD_PRELOAD=... shim_signals RECORDS
 *
 * RECORDS is a file of 8-byte little-endian numbers 0, 1, 2, ..., made here if it is missing
 * (then let it settle). Speaks TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_signals.h"

#define RECORDS 1000000u
#define BATCH 64

const char *path;
static int tests, failures;
int shared_fd;
static unsigned char *seen;
static volatile int bad;
sigjmp_buf back;
volatile unsigned long signals;

void result(int good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failures += !good;
}

static int make_records(void)
{
	uint64_t *all = malloc(RECORDS * sizeof(*all));
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0)
		return errno == EEXIST ? 0 : -1;
	for (uint64_t i = 0; i < RECORDS; i++)
		all[i] = i;
	if (write(fd, all, RECORDS * sizeof(*all)) != (ssize_t)(RECORDS * sizeof(*all)))
		return -1;
	free(all);
	return close(fd);
}

/* Read some records and note each; 0 at the end. */
static ssize_t take(int fd, unsigned int want)
{
	uint64_t record[BATCH];
	ssize_t n = read(fd, record, want * sizeof(*record));

	if (n < 0 || n % 8)
		bad = 1;
	for (ssize_t i = 0; i < n / 8; i++) {
		if (record[i] >= RECORDS || (i && record[i] != record[0] + (uint64_t)i))
			bad = 2;
		else if (__atomic_fetch_add(&seen[record[i]], 1, __ATOMIC_RELAXED))
			bad = 3;
	}
	return n;
}

static void handler_reads(int sig)
{
	int saved = errno;

	(void)sig;
	signals++;
	take(shared_fd, 3);
	errno = saved;
}

static void timer(int on)
{
	struct itimerval t = { { 0, on ? 50 : 0 }, { 0, on ? 50 : 0 } };

	setitimer(ITIMER_REAL, &t, NULL);
}

static int all_seen(void)
{
	for (unsigned int i = 0; i < RECORDS; i++)
		if (seen[i] != 1)
			return 0;
	return 1;
}

static void nested(int flags, const char *name)
{
	struct sigaction act = { .sa_handler = handler_reads, .sa_flags = flags | SA_RESTART };
	unsigned int n = 0;

	memset(seen, 0, RECORDS);
	bad = 0;
	signals = 0;
	shared_fd = open(path, O_RDONLY);
	sigaction(SIGALRM, &act, NULL);
	timer(1);
	while (take(shared_fd, 1 + n++ % BATCH) > 0)
		;
	timer(0);
	close(shared_fd);
	printf("# %lu signals, bad %d\n", signals, bad);
	result(!bad && all_seen(), name);
}

static void handler_jumps(int sig)
{
	(void)sig;
	signals++;
	siglongjmp(back, 1);
}

/* Wherever the jump left the position, what is read there is what belongs there. */
static void jumping(void)
{
	struct sigaction act = { .sa_handler = handler_jumps };
	volatile int good = 1;
	volatile unsigned int n = 0;
	uint64_t record[BATCH];

	signals = 0;
	shared_fd = open(path, O_RDONLY);
	sigaction(SIGALRM, &act, NULL);
	sigsetjmp(back, 1);
	timer(1);
	while (signals < 3000 && good) {
		off_t at = lseek(shared_fd, 0, SEEK_CUR);
		ssize_t got = read(shared_fd, record, sizeof(record[0]) * (1 + n % BATCH));

		n = n + 1;
		if (got < 0 || at % 8)
			good = 0;
		if (got > 0 && record[0] != (uint64_t)at / 8)
			good = 0;
		if (!got)
			lseek(shared_fd, 0, SEEK_SET);
	}
	timer(0);
	close(shared_fd);
	result(good, "a handler leaves read() by siglongjmp()");
}

static char *torn;
static size_t torn_bytes;
static volatile int torn_faults;

static void handler_mends(int sig)
{
	(void)sig;
	torn_faults++;
	mprotect(torn, torn_bytes, PROT_READ | PROT_WRITE);
}

/* The stack of the copy stays as it is. */
static void handler_tears(int sig)
{
	(void)sig;
	mprotect(torn, torn_bytes, PROT_NONE);
	siglongjmp(back, 1);
}

/* A copy that was left is not what a fault in its buffer is for. */
static void jumping_copies(void)
{
	struct sigaction mend = { .sa_handler = handler_mends };
	struct sigaction jump = { .sa_handler = handler_tears };
	struct itimerval after = { 0 };
	int fd = open(path, O_RDONLY);
	volatile int good = 1;

	torn_bytes = 256 << 10; /* one chunk: what is copied at a time */
	torn = mmap(NULL, torn_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 4; i++) /* from now on a read is a copy */
		pread(fd, torn, torn_bytes, 0);
	sigaction(SIGSEGV, &mend, NULL);
	sigaction(SIGALRM, &jump, NULL);
	for (volatile unsigned int i = 0; i < 300 && good; i++) {
		if (!sigsetjmp(back, 1)) {
			after.it_value.tv_usec = 100 + i;
			setitimer(ITIMER_REAL, &after, NULL);
			while (pread(fd, torn, torn_bytes, 0) > 0)
				;
			good = 0; /* we did not jump */
			break;
		}
		torn_faults = 0;
		((volatile char *)torn)[i * 4096 % torn_bytes] = 1;
		good = torn_faults == 1;
	}
	signal(SIGSEGV, SIG_DFL);
	munmap(torn, torn_bytes);
	close(fd);
	result(good, "faults after copies that were left by siglongjmp()");
}

static void *reader(void *arg)
{
	unsigned int n = (unsigned int)(uintptr_t)arg;

	while (take(shared_fd, 1 + n++ % BATCH) > 0)
		;
	return NULL;
}

static void *noise(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&bad, __ATOMIC_RELAXED) && signals) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
		/* settles, and gives back */
		if (fcntl(shared_fd, F_GETLK, &(struct flock){ .l_type = F_RDLCK }) < 0)
			break;
	}
	return NULL;
}

static void threads(int with_forks, const char *name)
{
	pthread_t t[4], f;

	memset(seen, 0, RECORDS);
	bad = 0;
	signals = 1;
	shared_fd = open(path, O_RDONLY);
	if (with_forks)
		pthread_create(&f, NULL, noise, NULL);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, reader, (void *)(uintptr_t)(i * 7));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	signals = 0;
	if (with_forks)
		pthread_join(f, NULL);
	close(shared_fd);
	result(!bad && all_seen(), name);
}

static void *settler(void *arg)
{
	(void)arg;
	while (signals)
		if (fcntl(shared_fd, F_GETLK, &(struct flock){ .l_type = F_RDLCK }) < 0)
			break;
	return NULL;
}

/* The position wanders between user space and the kernel while threads read. */
static void threads_settling(void)
{
	pthread_t t[4], s;

	memset(seen, 0, RECORDS);
	bad = 0;
	signals = 1;
	shared_fd = open(path, O_RDONLY);
	pthread_create(&s, NULL, settler, NULL);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, reader, (void *)(uintptr_t)(i * 7));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	signals = 0;
	pthread_join(s, NULL);
	close(shared_fd);
	result(!bad && all_seen(),
	       "threads share a descriptor whose position is settled all the time");
}

static void *endless(void *arg)
{
	char buf[64];
	int fd = open(path, O_RDONLY);

	(void)arg;
	for (;;)
		if (read(fd, buf, sizeof(buf)) <= 0)
			lseek(fd, 0, SEEK_SET);
	return NULL;
}

static void cancelled(void)
{
	void *end = NULL;
	pthread_t t;

	pthread_create(&t, NULL, endless, NULL);
	usleep(20000);
	pthread_cancel(t);
	pthread_join(t, &end);
	result(end == PTHREAD_CANCELED, "read() is a cancellation point");
}

int main(int argc, char **argv)
{
	static char alternate[1 << 16];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };

	path = argc > 1 ? argv[1] : NULL;
	adopted_begin();
	if (!path || make_records())
		return 77;
	setvbuf(stdout, NULL, _IOLBF, 0);
	seen = calloc(1, RECORDS);
	sigaltstack(&stack, NULL);
	adopted();
	jumping_copies();
	faults();
	dispositions(&stack);
	blocked();
	nested(0, "a handler reads the descriptor that its thread is reading");
	nested(SA_ONSTACK, "the same on another stack");
	jumping();
	threads(0, "threads share a descriptor");
	threads_settling();
	threads(1, "threads share a descriptor while the process forks");
	cancelled();
	printf("1..%d\n", tests);
	return failures != 0;
}
