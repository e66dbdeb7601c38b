/* SPDX-License-Identifier: MIT */
#include "cli/child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "base/compiler.h"

extern char **environ;

static const int passed_on[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
static volatile pid_t child;

/* A signal of the terminal (si_code > 0: from the kernel) reaches the child anyway. */
static void signal_pass(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (info->si_code <= 0 && child > 0)
		kill(child, signal);
	errno = saved;
}

static void handlers_install(void)
{
	struct sigaction action = { .sa_sigaction = signal_pass,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		if (!sigaction(passed_on[i], NULL, &old) && old.sa_handler != SIG_IGN)
			/* a signal that was ignored, as under nohup, stays ignored */
			sigaction(passed_on[i], &action, NULL);
}

static int child_wait(void)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

int child_run(char **argv)
{
	posix_spawnattr_t attributes;
	sigset_t all, before;
	pid_t pid;
	int err;

	/* no signal may get lost between setting the handlers and starting the child */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	handlers_install();
	signal(SIGCHLD, SIG_DFL); /* if it were ignored, there would be nothing to wait for */
	err = posix_spawnattr_init(&attributes);
	if (!err) {
		posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
		posix_spawnattr_setsigmask(&attributes, &before);
		err = posix_spawnp(&pid, argv[0], NULL, &attributes, argv, environ);
		posix_spawnattr_destroy(&attributes);
	}
	if (!err)
		child = pid;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err ? -err : child_wait();
}
