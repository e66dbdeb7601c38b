/* SPDX-License-Identifier: MIT */
/*
 * A thread is stopped between its look at a file's attributes and what it does with them, and the file changes
 * meanwhile: they are as old as they are when it goes on.
 *
 *	LD_PRELOAD=... shim_delayed FILE BACKING
 *
 * FILE lies below a configured directory, has settled, and consists of the letter A. It is changed by system
 * calls of our own on BACKING. A child that we trace opens it, and reads. Exit status 0: it had the new
 * bytes each time; 77: nothing can be traced here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "outside.h" /* first */

#include "base/sys.h"

#define BLOCK 4096u
#define ROUNDS 5

static const char *path, *backing;
static char buf[BLOCK];

static int fail(const char *what)
{
	fprintf(stderr, "%s (errno %d)\n", what, errno);
	return 1;
}

static void change(char letter)
{
	static char bytes[BLOCK];
	int fd = sys_openat(AT_FDCWD, backing, O_WRONLY, 0);

	memset(bytes, letter, BLOCK);
	if (fd < 0 || sys_pwrite(fd, bytes, BLOCK, 0) != BLOCK)
		exit(fail("change"));
	sys_close(fd);
}

/* The letter that a new descriptor gives, read `times` times. */
static char read_new(int times)
{
	int fd = open(path, O_RDONLY);

	for (int i = 0; i < times; i++)
		if (pread(fd, buf, BLOCK, 0) != BLOCK)
			return 0;
	close(fd);
	return *buf;
}

static int traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(77);
	raise(SIGSTOP);
	_exit(read_new(1));
}

/* Stops at the end of the first look at a descriptor. False: the child has ended. */
static bool run_to_look(pid_t child, int *status)
{
	bool look = false;

	for (;;) {
		struct ptrace_syscall_info info;

		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) ||
		    waitpid(child, status, 0) != child || !WIFSTOPPED(*status))
			return false;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info) <= 0)
			return false;
		if (look && info.op == PTRACE_SYSCALL_INFO_EXIT)
			return true;
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			look = info.entry.nr == SYS_statx &&
			       (int)info.entry.args[0] > STDERR_FILENO &&
			       info.entry.args[2] & AT_EMPTY_PATH;
	}
}

/* What the child reads if the file becomes `letter` after its look. */
static int delayed(char letter)
{
	pid_t child = fork();
	int status;

	if (!child)
		traced();
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		exit(77);
	if (ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD) ||
	    !run_to_look(child, &status))
		exit(fail("the child was not stopped"));
	change(letter);
	usleep(50000); /* longer than a tick of the coarse clock */
	if (ptrace(PTRACE_DETACH, child, NULL, NULL) || waitpid(child, &status, 0) != child)
		exit(fail("detach"));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	path = argv[1];
	backing = argv[2];
	for (int i = 0; i < ROUNDS; i++) {
		char letter = (char)('A' + i);

		if (read_new(4) != letter)
			return fail("the last version");
		if (delayed((char)(letter + 1)) != letter + 1)
			return fail("old bytes by old attributes");
		usleep(100000); /* let it settle */
	}
	return 0;
}
