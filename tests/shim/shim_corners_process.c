/* SPDX-License-Identifier: MIT */
/* Corners of threads, children, namespaces and signals. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_corners.h"

/* --- descriptors of its own for a thread, or a child */

static volatile int step, number;

static void step_wait(int n)
{
	while (step < n)
		sched_yield();
}

static void *thread_unshare(void *arg)
{
	int fd;

	(void)arg;
	if (close_range((unsigned int)number, (unsigned int)number, CLOSE_RANGE_UNSHARE))
		exit(fail("close_range"));
	fd = open(b, O_RDONLY);
	if (fd != number || pread(fd, buf, BLOCK, 0) != BLOCK)
		exit(fail("the thread's file"));
	step = 1;
	pause();
	return NULL;
}

int range_unshare(void)
{
	pthread_t thread;

	number = open_a(0);
	if (read(number, buf, BLOCK) != BLOCK ||
	    pthread_create(&thread, NULL, thread_unshare, NULL))
		return fail("beginning");
	step_wait(1);
	if (read(number, buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("the position is another's");
	if (pread(number, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
		return fail("the file is another's");
	return 0;
}

static void *thread_read(void *arg)
{
	(void)arg;
	step_wait(1);
	if (read(number, buf, BLOCK) != BLOCK || !is_block(a, 1))
		exit(fail("reading beside a vfork child"));
	step = 2;
	return NULL;
}

int vfork_replaces(void)
{
	pthread_t thread;
	int other = open(b, O_RDONLY | O_CLOEXEC);

	number = open_a(O_CLOEXEC);
	if (read(number, buf, BLOCK) != BLOCK || pthread_create(&thread, NULL, thread_read, NULL))
		return fail("beginning");
	if (!vfork()) {
		step = 1;
		step_wait(2); /* the position is in user space */
		dup2(other, number);
		fcntl(number, F_SETFD, 0);
		_exit(0);
	}
	pthread_join(thread, NULL);
	if (read(number, buf, BLOCK) != BLOCK || !is_block(a, 2))
		return fail("the position was lost");
	if (read(other, buf, BLOCK) != BLOCK || !is_block(b, 0))
		return fail("the other file's position moved");
	return 0;
}

int vfork_keeps(void)
{
	int fd = open_a(O_CLOEXEC);
	int ends[2];
	int status;

	if (fd != 3) { /* what the shell's redirection below says */
		dup3(fd, 3, O_CLOEXEC);
		close(fd);
		fd = 3;
	}
	if (pipe(ends) || read(fd, buf, BLOCK) != BLOCK)
		return fail("beginning");
	if (!vfork()) {
		dup2(ends[0], 0);
		ioctl(fd, FIONCLEX);
		execlp("sh", "sh", "-c", "read x; dd bs=4096 count=1 of=/dev/null status=none <&3",
		       NULL);
		_exit(1);
	}
	if (read(fd, buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("before the child");
	if (write(ends[1], "\n", 1) != 1 || wait(&status) < 0 || status)
		return fail("the child");
	if (read(fd, buf, BLOCK) != BLOCK || !is_block(a, 3))
		return fail("after the child");
	return 0;
}

int spawn_early(void)
{
	static char *arguments[] = { "dd", "bs=4096", "count=1", "status=none", NULL };
	posix_spawn_file_actions_t actions;
	int fd = open_a(O_CLOEXEC);
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		return fail("pipe");
	close(fd);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	if (open_a(O_CLOEXEC) != fd || read(fd, buf, BLOCK) != BLOCK ||
	    posix_spawnp(&pid, "dd", &actions, NULL, arguments, environ))
		return fail("posix_spawnp");
	if (read(ends[0], buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("the child read something else");
	return 0;
}

/* --- what helper threads have open */

int lock_ends(void)
{
	int fd = open_a(0);

	if (flock(fd, LOCK_EX))
		return fail("flock");
	while (read(fd, buf, 65536) > 0)
		;
	close(fd);
	return flock(open_a(0), LOCK_EX | LOCK_NB) ? fail("a closed file is locked") : 0;
}

int namespace_user(void)
{
	pid_t pid = fork();
	int status;
	int fd;

	/* whether it is allowed here, before there is any helper */
	if (!pid)
		_exit(unshare(CLONE_NEWUSER) ? 77 : 0);
	if (waitpid(pid, &status, 0) != pid || status)
		return 77;
	fd = open_a(0);
	while (read(fd, buf, 65536) > 0)
		;
	return unshare(CLONE_NEWUSER) ? fail("unshare") : 0;
}

/* --- small things of the program's own */

static void *thread_small(void *arg)
{
	int fd = open(a, O_RDONLY);

	if (fd < 0 || read(fd, arg, BLOCK) != BLOCK || read(fd, arg, BLOCK) != BLOCK || close(fd))
		exit(fail("reading"));
	return NULL;
}

int small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	if (pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN) ||
	    pthread_create(&thread, &attr, thread_small, buf) || pthread_join(thread, NULL))
		return fail("thread");
	return is_block(a, 1) ? 0 : fail("the bytes");
}

int namespace_join(void)
{
	int ns = open("/proc/self/ns/mnt", O_RDONLY);
	pid_t pid = fork();
	int status = 0;
	int fd;

	/* whether it is allowed here, before there is any helper */
	if (!pid)
		_exit(setns(ns, CLONE_NEWNS) ? 77 : 0);
	if (waitpid(pid, &status, 0) != pid || status)
		return 77;
	fd = open_a(0);
	while (read(fd, buf, 65536) > 0)
		;
	return setns(ns, CLONE_NEWNS) ? fail("setns") : 0;
}

static volatile sig_atomic_t signals;

static void count(int sig)
{
	(void)sig;
	signals++;
}

/* A read() of nothing while another sends us signals, the last of them before it sends a byte. */
static ssize_t read_interrupted(int sig)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	int ends[2];
	ssize_t n;
	pid_t pid;
	char c;

	if (pipe(ends))
		exit(fail("pipe"));
	signals = 0;
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 10; i++) {
			nanosleep(&nap, NULL);
			kill(getppid(), sig);
		}
		nanosleep(&nap, NULL);
		_exit(write(ends[1], "x", 1) != 1);
	}
	n = read(ends[0], &c, 1);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	return n < 0 ? -errno : n;
}

int restart(void)
{
	struct sigaction act = { .sa_handler = count, .sa_flags = SA_RESTART };

	sigaction(SIGBUS, &act, NULL);
	if (read(open_a(0), buf, BLOCK) != BLOCK)
		return fail("read");
	if (read_interrupted(SIGBUS) != 1 || !signals)
		return fail("SA_RESTART from before");
	if (sigaction(SIGSEGV, &act, NULL) || read_interrupted(SIGSEGV) != 1 || !signals)
		return fail("SA_RESTART");
	act.sa_flags = 0;
	if (sigaction(SIGSEGV, &act, NULL) || read_interrupted(SIGSEGV) != -EINTR)
		return fail("no SA_RESTART");
	signal(SIGSEGV, SIG_IGN);
	return read_interrupted(SIGSEGV) == 1 && !signals ? 0 : fail("SIG_IGN");
}

int vfork_signals(void)
{
	struct sigaction act = { .sa_handler = count };
	struct sigaction now;
	pid_t pid;

	if (read(open_a(0), buf, BLOCK) != BLOCK || sigaction(SIGSEGV, &act, NULL))
		return fail("beginning");
	pid = vfork();
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	if (sigaction(SIGSEGV, NULL, &now) || now.sa_handler != count)
		return fail("the handler is gone");
	raise(SIGSEGV);
	return signals == 1 ? 0 : fail("the handler was not called");
}
