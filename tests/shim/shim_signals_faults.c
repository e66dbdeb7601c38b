/* SPDX-License-Identifier: MIT */
/* Faults that are the program's own, and bad buffers that are EFAULT. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_signals.h"

/* hidden from the compiler, which knows what lies there */
static volatile int *volatile bad_address = (volatile int *)16;

static void handler_faults(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (sig == SIGSEGV && info->si_addr == (void *)16)
		siglongjmp(back, 1);
	_exit(9);
}

void faults(void)
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
