/* SPDX-License-Identifier: MIT */
/* Processes that a test makes, stops and kills. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* fork(), or the end of the test: no caller meets a -1, which kill() takes for everybody */
static inline pid_t child_fork(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	return pid;
}

/*
 * Fork a child that runs body(), says so, and then waits for its end. body() runs without a
 * cache: it attaches its own. Returns when it has run.
 */
static inline pid_t child_start(void (*body)(void *arg), void *arg)
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready))
		die("pipe: %s", strerror(errno));
	pid = child_fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		body(arg);
		if (write(ready[1], "x", 1) != 1)
			_exit(3);
		for (;;)
			pause();
	}
	close(ready[1]);
	while (read(ready[0], &c, 1) < 0 && errno == EINTR)
		;
	close(ready[0]);
	return pid;
}

static inline void child_kill(pid_t pid)
{
	if (pid <= 0)
		die("no child to kill: %d", (int)pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Its exit status; -1: it was killed by a signal, or it hung for `seconds` and is killed now. */
static inline int child_end(pid_t pid, double seconds)
{
	int status;

	for (double waited = 0; waited < seconds; waited += 0.005) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		usleep(5000);
	}
	child_kill(pid);
	return -1;
}

static inline void child_stop(pid_t pid)
{
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
}

#endif
