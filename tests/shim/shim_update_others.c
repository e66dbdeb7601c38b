/* SPDX-License-Identifier: MIT */
/*
 * Others that have the description write, and tell nobody: children, other programs, who got it by a message. System
 * calls of their own stand for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_update.h"

void way_fork(int fd)
{
	pid_t pid = fork();

	if (!pid) {
		raw_pwrite(fd, "B", 1, 7);
		_exit(0);
	}
	wait_for(pid);
}

void way_spawn(int fd)
{
	char *argv[] = { "sh", "-c", "echo B", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	errno = posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, no_shim);
	if (errno)
		exit(fail("posix_spawn"));
	wait_for(pid);
}

void way_vfork(int fd)
{
	char *argv[] = { "sh", "-c", "echo B", NULL };
	pid_t pid = vfork();

	if (!pid) {
		dup2(fd, STDOUT_FILENO);
		execve("/bin/sh", argv, no_shim);
		_exit(1);
	}
	wait_for(pid);
}

void way_system(int fd)
{
	char command[100];

	fcntl(fd, F_SETFD, 0);
	snprintf(command, sizeof(command),
		 "unset LD_PRELOAD; exec env LD_PRELOAD= sh -c 'echo B >&%d'", fd);
	if (system(command))
		exit(fail("system"));
}

static void message_send(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(socket, &message, 0) != 1)
		exit(fail("sendmsg"));
}

static int message_receive(int socket, ssize_t (*receive)(int, struct msghdr *, int))
{
	char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int fd = -1;

	if (receive(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

static ssize_t receive_unseen(int socket, struct msghdr *message, int flags)
{
	return raw_recvmsg(socket, message, flags);
}

void way_message(int fd)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		exit(fail("socketpair"));
	pid = fork();
	if (!pid) {
		raw_pwrite(message_receive(ends[1], receive_unseen), "B", 1, 7);
		_exit(0);
	}
	/* not what the child was born with: opened after it */
	close(fd);
	if (open(path, O_RDWR) != fd || pread(fd, buf, BLOCK, 0) != BLOCK)
		exit(fail(path));
	message_send(ends[0], fd);
	wait_for(pid);
}

void way_received(int fd)
{
	int ends[2];
	int got;

	(void)fd;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		exit(fail("socketpair"));
	if (!fork()) {
		int own = raw_open(path, O_RDWR);

		message_send(ends[1], own);
		_exit(0);
	}
	got = message_receive(ends[0], recvmsg);
	wait(NULL);
	if (got < 0 || pwrite(got, "B", 1, 7) != 1)
		exit(fail("what was received"));
	close(got);
}
