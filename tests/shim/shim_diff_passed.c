/* SPDX-License-Identifier: MIT */
/* A descriptor that is passed on: to children, other programs, a socket, a stream, a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_diff.h"

long child_reads(int fd, int how, size_t n)
{
	int status;
	char *buf;
	pid_t pid;

	if (how == 0)
		pid = fork();
	else if (how == 1)
		pid = _Fork();
	else
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		buf = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		_exit(read(fd, buf, n) < 0 ? 1 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	errno = 0;
	return status;
}

extern char **environ;

long spawned_reads(int fd, int how)
{
	char *argv[] = { "head", "-c", "1000", NULL };
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	if (how) {
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, fd, 0);
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		if (posix_spawn(&pid, "/usr/bin/head", &actions, NULL, argv, environ))
			return -1;
		posix_spawn_file_actions_destroy(&actions);
	} else {
		pid = vfork();
		if (!pid) {
			int null = open("/dev/null", O_WRONLY);

			dup2(fd, 0);
			dup2(null, 1);
			for (int i = 3; i < 64; i++)
				close(i);
			execv("/usr/bin/head", argv);
			_exit(127);
		}
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	errno = 0;
	return status;
}

long passed_reads(int fd, char *buf, size_t n)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s[2];
	int got;
	long r;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return -1;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	r = sendmsg(s[0], &m, 0);
	if (r == 1)
		r = recvmsg(s[1], &m, 0);
	if (r == 1) {
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
		r = read(got, buf, n);
		close(got);
	}
	close(s[0]);
	close(s[1]);
	return r;
}

long stream_reads(int fd, char *buf, size_t n)
{
	FILE *f = fdopen(dup(fd), "r");
	size_t got;

	if (!f)
		return -1;
	got = fread(buf, 1, n % 5000, f);
	fclose(f);
	errno = 0;
	return (long)got;
}

long piped(int fd, char *buf, off_t *offset, size_t n, int how)
{
	long done;
	long got;
	int p[2];

	if (pipe(p))
		return -1;
	n %= 60000;
	if (how == 0)
		done = sendfile(p[1], fd, offset, n);
	else if (how == 1)
		done = splice(fd, offset, p[1], NULL, n, 0);
	else
		done = syscall(SYS_sendfile, p[1], fd, offset, n);
	got = done > 0 ? read(p[0], buf, ROOM) : done;
	close(p[0]);
	close(p[1]);
	return got == done ? done : -2;
}
