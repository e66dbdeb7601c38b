/* SPDX-License-Identifier: MIT */
/* Socket writes that are left in the middle: by siglongjmp(), cancellation, a handler on another stack. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim_elide.h"

/* --- left in the middle */

static sigjmp_buf back;

static void on_alarm_leave(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static bool leave_once(int way, int fd, char *buf, size_t n)
{
	struct sigaction act = { .sa_handler = on_alarm_leave, .sa_flags = SA_NODEFER };
	struct itimerval soon = { .it_value = { .tv_usec = 3000 } };
	struct iovec iov = { buf, n };
	sigset_t mask;
	int s[2];

	sigaction(SIGALRM, &act, NULL);
	pair(s, false);
	if (!sigsetjmp(back, 0)) {
		setitimer(ITIMER_REAL, &soon, NULL);
		call(way, s[0], &iov, 1);
		return false;
	}
	close(s[0]);
	close(s[1]);
	/* the next call of the library finds out */
	if (pread(fd, buf, n, 0) != (ssize_t)n)
		die("pread");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	return !sigismember(&mask, SIGPIPE);
}

static void *cancel_me(void *arg)
{
	struct iovec *iov = arg;
	int fd = open(path, O_RDONLY);
	int s[2];

	pair(s, false);
	if (read(fd, iov->iov_base, iov->iov_len) > 0)
		call(WRITE, s[0], iov, 1);
	return NULL;
}

static bool cancel_once(char *buf, size_t n)
{
	struct iovec iov = { buf, n };
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, cancel_me, &iov);
	usleep(3000);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	return result == PTHREAD_CANCELED;
}

/* --- a handler on a stack of its own, which lies above the one that it interrupts */

static int handler_fd;
static volatile sig_atomic_t mask_kept = -1;

static void on_alarm_read(int sig)
{
	static char page[8192];
	sigset_t before, after;

	(void)sig;
	sigprocmask(SIG_SETMASK, NULL, &before);
	if (pread(handler_fd, page, sizeof(page), 0) != sizeof(page) ||
	    memcmp(page, want, sizeof(page)))
		return;
	sigprocmask(SIG_SETMASK, NULL, &after);
	/* what the write that waits holds back, it goes on to hold back */
	mask_kept = sigismember(&before, SIGPIPE) == sigismember(&after, SIGPIPE);
}

static void write_until_alarm(char *buf, size_t n)
{
	struct itimerval soon = { .it_value = { .tv_usec = 100000 } };
	int s[2];

	pair(s, false);
	setitimer(ITIMER_REAL, &soon, NULL);
	if (write(s[0], buf, n) < 0 && errno != EINTR)
		die("write");
	close(s[0]);
	close(s[1]);
}

static void alternate_stack(int fd, char *buf, size_t n)
{
	char high[65536];
	stack_t stack = { .ss_sp = high, .ss_size = sizeof(high) };
	const stack_t none = { .ss_flags = SS_DISABLE };
	struct sigaction act = { .sa_handler = on_alarm_read, .sa_flags = SA_ONSTACK };

	handler_fd = fd;
	sigaltstack(&stack, NULL);
	sigaction(SIGALRM, &act, NULL);
	write_until_alarm(buf, n);
	sigaltstack(&none, NULL);
	ok(mask_kept == 1, "a handler on a stack above");
}

void leave(void)
{
	const size_t n = 1 << 20;
	char *buf = malloc(n);
	int fd = open(path, O_RDONLY);
	int left = 0, cancelled = 0;

	signal(SIGPIPE, SIG_DFL);
	for (int i = 0; i < 100; i++) {
		if (pread(fd, buf, n, 0) != (ssize_t)n)
			die("pread");
		left += leave_once(i & 1 ? SEND : WRITE, fd, buf, n);
		cancelled += cancel_once(buf, n);
	}
	ok(left == 100, "left by siglongjmp()");
	ok(cancelled == 100, "cancelled");
	if (pread(fd, buf, n, 0) != (ssize_t)n)
		die("pread");
	alternate_stack(fd, buf, n);
	for (int i = 0; i < 40; i++)
		left -= !passes(false, buf, n, want);
	ok(left == 100, "and written afterwards");
	free(buf);
}
