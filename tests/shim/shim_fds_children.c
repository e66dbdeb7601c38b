/* SPDX-License-Identifier: MIT */
/* What a child process does to descriptors, and what it finds in those that it is given. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include "shim_fds.h"

void in_child(int (*fn)(void), const char *name)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(fn() ? 0 : 1);
	waitpid(pid, &status, 0);
	result(WIFEXITED(status) && !WEXITSTATUS(status), name);
}

static int standard_input(void)
{
	int fd = started(a);

	dup2(fd, 0);
	return gives(0, bytes_a, 1);
}

int daemon_drops(void)
{
	char ok = 0;
	int p[2];

	if (!standard_input() || pipe(p))
		return 0;
	if (!fork()) {
		close(p[0]);
		if (!daemon(1, 0)) {
			ok = read(0, buf, 16) == 0;
			if (write(p[1], &ok, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(p[1]);
	return read(p[0], &ok, 1) == 1 && ok;
}

int login_drops(void)
{
	int master;
	int slave;

	if (!standard_input() || openpty(&master, &slave, NULL, NULL, NULL) || login_tty(slave))
		return 0;
	return isatty(0) && write(master, "hello\n", 6) == 6 && read(0, buf, BLOCK) == 6 &&
	       !memcmp(buf, "hello\n", 6);
}

int forkpty_drops(void)
{
	int master;
	int status;
	pid_t pid;

	if (!standard_input())
		return 0;
	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid)
		_exit(!(isatty(0) && read(0, buf, BLOCK) == 6));
	if (write(master, "hello\n", 6) != 6)
		return 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status) && gives(0, bytes_a, 2);
}

/* fexecve, execle and friends with the descriptor as standard input; the rest is counted. */
static int exec_reads(int how)
{
	char *argv[] = { "sh", "-c", "wc -c", NULL };
	char *envp[] = { "PATH=/bin:/usr/bin", NULL };
	char line[64] = "";
	struct stat st;
	pid_t pid;
	int p[2];

	if (pipe(p) || stat(a, &st))
		return 0;
	pid = how & 1 ? vfork() : fork();
	if (!pid) {
		int fd = open(a, O_RDONLY);

		if (read(fd, buf, BLOCK) != BLOCK)
			_exit(1);
		dup2(fd, 0);
		dup2(p[1], 1);
		switch (how / 2) {
		case 0:
			execle("/bin/sh", "sh", "-c", "wc -c", NULL, envp);
			break;
		case 1:
			execlp("sh", "sh", "-c", "wc -c", NULL);
			break;
		case 2:
			execvpe("sh", argv, envp);
			break;
		case 3:
			fexecve(open("/bin/sh", O_RDONLY), argv, envp);
			break;
		default:
			syscall(SYS_execve, "/bin/sh", argv, envp);
		}
		_exit(127);
	}
	close(p[1]);
	if (read(p[0], line, sizeof(line) - 1) <= 0)
		return 0;
	close(p[0]);
	waitpid(pid, NULL, 0);
	return strtol(line, NULL, 10) == st.st_size - BLOCK;
}

int exec_all(void)
{
	for (int how = 0; how < 10; how++)
		if (!exec_reads(how))
			return 0;
	return 1;
}

int large_fd(void)
{
	struct rlimit limit = { 2 << 20, 2 << 20 };
	int fd = started(a);
	int to = (1 << 20) + 5;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return 1;
	if (dup2(fd, to) != to)
		return 1;
	return gives(to, bytes_a, 1) && gives(fd, bytes_a, 2) && gives(to, bytes_a, 3);
}

int unshared_copy(void)
{
	char *envp[] = { NULL };
	char *argv[] = { "true", NULL };
	int fd = started(a);
	pid_t pid = vfork();

	if (!pid) {
		/* all of it happens in our memory, none of it to our descriptors */
		close(fd);
		open(b, O_RDONLY);
		dup2(0, fd);
		lseek(fd, 0, SEEK_SET);
		pid_t inner = vfork();
		if (!inner) {
			close(fd);
			_exit(0);
		}
		execve("/bin/true", argv, envp);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return gives(fd, bytes_a, 1);
}

int reopened(void)
{
	for (int i = 0; i < 2000; i++) {
		int fd = open(i & 1 ? a : b, O_RDONLY);

		if (!gives(fd, i & 1 ? bytes_a : bytes_b, 0))
			return 0;
		close(fd);
	}
	return 1;
}

int flags_switch(void)
{
	int fd = started(a);
	char *page = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fcntl(fd, F_SETFL, O_DIRECT))
		return 1;
	errno = 0;
	if (read(fd, page + 1, 100) != -1 || errno != EINVAL)
		return 0;
	return read(fd, page, BLOCK) == BLOCK && !memcmp(page, bytes_a + BLOCK, BLOCK);
}
