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
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* hidden from the compiler, which knows what lies there */
static volatile int *volatile bad_address = (volatile int *)16;

#define RECORDS 1000000u
#define BATCH 64

static const char *path;
static int tests, failures;
static int shared_fd;
static unsigned char *seen;
static volatile int bad;
static sigjmp_buf back;
static volatile unsigned long signals;

static void result(int good, const char *name)
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

static void handler_faults(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (sig == SIGSEGV && info->si_addr == (void *)16)
		siglongjmp(back, 1);
	_exit(9);
}

static void faults(void)
{
	struct sigaction act = { .sa_sigaction = handler_faults, .sa_flags = SA_SIGINFO };
	struct sigaction old;
	int fd = open(path, O_RDONLY);
	char buf[8];
	int status;
	pid_t pid;

	result(read(fd, buf, 8) == 8, "a first read, so that the cache is attached");
	errno = 0;
	result(read(fd, (void *)4096, 64) == -1 && errno == EFAULT, "a bad buffer is EFAULT");
	result(!sigaction(SIGSEGV, NULL, &old) && old.sa_handler == SIG_DFL,
	       "the program sees the default disposition");
	sigaction(SIGSEGV, &act, NULL);
	if (!sigsetjmp(back, 1)) {
		*bad_address = 1;
		result(0, "not reached");
	}
	result(1, "the program's own handler gets the program's own fault");
	errno = 0;
	result(read(fd, (void *)4096, 64) == -1 && errno == EFAULT, "and still EFAULT");
	signal(SIGSEGV, SIG_DFL);
	pid = fork();
	if (!pid) {
		*bad_address = 1;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	result(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a fault kills by default");
	pid = fork();
	if (!pid) {
		kill(getpid(), SIGBUS);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	result(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "so does a signal that was sent");
	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_IGN);
		kill(getpid(), SIGBUS);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	result(WIFEXITED(status) && WEXITSTATUS(status) == 7,
	       "or is ignored if the program wants it");
	close(fd);
}

static int refused(int fd)
{
	errno = 0;
	return pread(fd, (void *)4096, 64, 0) == -1 && errno == EFAULT;
}

static void *reads_badly(void *arg)
{
	return refused(*(int *)arg) ? arg : NULL;
}

static volatile int handler_refused;

static void handler_reads_badly(int sig)
{
	(void)sig;
	handler_refused = refused(shared_fd);
}

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

/* A handler that blocks everything, and one that runs while a mask is lent to a call. */
static void blocked_in_handlers(void)
{
	struct sigaction act = { .sa_handler = handler_reads_badly };
	const struct timespec no_time = { 0, 0 };
	struct sigaction old;
	sigset_t all, alarm;

	sigfillset(&all);
	act.sa_mask = all;
	sigaction(SIGUSR1, &act, NULL);
	handler_refused = 0;
	raise(SIGUSR1);
	result(handler_refused, "EFAULT in a handler that blocks all signals");
	result(!sigaction(SIGUSR1, NULL, &old) && sigismember(&old.sa_mask, SIGSEGV) &&
		       sigismember(&old.sa_mask, SIGBUS) && sigismember(&old.sa_mask, SIGINT),
	       "whose mask is what the program made it");
	sigemptyset(&act.sa_mask);
	sigaction(SIGUSR1, &act, NULL);
	result(!sigaction(SIGUSR1, NULL, &old) && !sigismember(&old.sa_mask, SIGSEGV),
	       "and is again when it is changed");
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGUSR1);
	sigprocmask(SIG_BLOCK, &alarm, NULL);
	raise(SIGUSR1);
	sigdelset(&all, SIGUSR1);
	handler_refused = !refused(shared_fd);
	ppoll(NULL, 0, &no_time, &all);
	result(handler_refused, "EFAULT in a handler that ppoll() lets through, and no other");
	sigprocmask(SIG_UNBLOCK, &alarm, NULL);
}

/* The kernel kills where a fault is blocked: copies of such threads must not fault so. */
static void blocked(void)
{
	struct sigaction act = { .sa_handler = count_signal };
	int fd = open(path, O_RDONLY);
	uint64_t record;
	sigset_t all, before, now;
	void *end = NULL;
	pthread_t t;

	shared_fd = fd;
	for (int i = 0; i < 4; i++) /* from now on a read is a copy */
		pread(fd, &record, 8, 0);
	sigaction(SIGSEGV, &act, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result(refused(fd) && refused(fd), "EFAULT while all signals are blocked");
	pthread_create(&t, NULL, reads_badly, &fd);
	pthread_join(t, &end);
	result(end == &fd, "and in a thread that was born so");
	signals = 0;
	raise(SIGSEGV);
	result(pread(fd, &record, 8, 800) == 8 && record == 100 && refused(fd) && !signals,
	       "a signal that was sent meanwhile stays away");
	sigpending(&now);
	result(sigismember(&now, SIGSEGV), "and is pending");
	close(open(path, O_RDONLY));
	sigpending(&now);
	result(!signals && sigismember(&now, SIGSEGV), "and is after another open()");
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	result(sigismember(&now, SIGSEGV) && sigismember(&now, SIGBUS), "the mask is as it was");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	result(signals == 1 && refused(fd) && signals == 1, "and comes when it may");
	signal(SIGSEGV, SIG_DFL);
	blocked_in_handlers();
	close(fd);
}

static volatile int adopted_blocks;

static void handler_adopted(int sig)
{
	sigset_t now;

	(void)sig;
	sigprocmask(SIG_BLOCK, NULL, &now);
	adopted_blocks = sigismember(&now, SIGBUS);
}

/* A handler from before the cache is attached. */
static void adopted_begin(void)
{
	struct sigaction act = { .sa_handler = handler_adopted };

	sigfillset(&act.sa_mask);
	sigaction(SIGSEGV, &act, NULL);
}

static void adopted(void)
{
	struct sigaction old;
	char byte;
	int fd = open(path, O_RDONLY);

	result(read(fd, &byte, 1) == 1 && !sigaction(SIGSEGV, NULL, &old) &&
		       sigismember(&old.sa_mask, SIGSEGV) && sigismember(&old.sa_mask, SIGBUS),
	       "the mask of a handler from before the cache was attached");
	raise(SIGSEGV);
	result(adopted_blocks, "which holds while it runs");
	signal(SIGSEGV, SIG_DFL);
	close(fd);
}

static volatile uintptr_t handler_frame;

static void handler_looks(int sig)
{
	(void)sig;
	handler_frame = (uintptr_t)__builtin_frame_address(0);
}

/* Whether the handler ran on the alternate stack. */
static int runs_on(const stack_t *stack, int flags)
{
	struct sigaction act = { .sa_handler = handler_looks, .sa_flags = flags };

	sigaction(SIGSEGV, &act, NULL);
	raise(SIGSEGV);
	signal(SIGSEGV, SIG_DFL);
	return handler_frame - (uintptr_t)stack->ss_sp < stack->ss_size;
}

static int restarts(void)
{
	struct sigaction now;

	signal(SIGSEGV, count_signal);
	sigaction(SIGSEGV, NULL, &now);
	signal(SIGSEGV, SIG_DFL);
	return !!(now.sa_flags & SA_RESTART);
}

/* What a program that is executed ignores, as a mask. */
static unsigned long child_ignores(int spawned, pid_t *pid)
{
	char *argv[] = { "grep", "SigIgn", "/proc/self/status", NULL };
	posix_spawn_file_actions_t actions;
	unsigned long mask = 0;
	char line[100] = "";
	int ends[2];

	if (pipe(ends))
		return 0;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	if (spawned) {
		posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	} else if (!(*pid = fork())) {
		dup2(ends[1], 1);
		execvp(argv[0], argv);
		_exit(1);
	}
	close(ends[1]);
	waitpid(*pid, NULL, 0);
	if (read(ends[0], line, sizeof(line) - 1) > 0)
		sscanf(line, "SigIgn: %lx", &mask);
	close(ends[0]);
	return mask;
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* siginterrupt() */

static void dispositions(const stack_t *stack)
{
	char *none[] = { "/nonexistent", NULL };
	int fd = open(path, O_RDONLY);
	pid_t pid;

	result(!runs_on(stack, 0), "a handler runs on the stack it interrupts");
	result(runs_on(stack, SA_ONSTACK), "or on the other one if it wants to");
	siginterrupt(SIGSEGV, 1);
	result(!restarts(), "signal() after siginterrupt()");
	siginterrupt(SIGSEGV, 0);
	result(restarts(), "and after it was taken back");
	signal(SIGBUS, SIG_IGN);
	result(child_ignores(0, &pid) & 1ul << (SIGBUS - 1), "exec inherits what is ignored");
	result(child_ignores(1, &pid) & 1ul << (SIGBUS - 1), "and so does posix_spawn()");
	signal(SIGSEGV, SIG_IGN);
	execv(none[0], none);
	result(posix_spawn(&pid, none[0], NULL, NULL, none, environ) && refused(fd),
	       "EFAULT after those that fail");
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	close(fd);
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
