/* SPDX-License-Identifier: MIT */
/* Bad buffers while signals are blocked, and the dispositions that a program sees and passes on. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_signals.h"

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

void blocked(void)
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

void adopted_begin(void)
{
	struct sigaction act = { .sa_handler = handler_adopted };

	sigfillset(&act.sa_mask);
	sigaction(SIGSEGV, &act, NULL);
}

void adopted(void)
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

void dispositions(const stack_t *stack)
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
