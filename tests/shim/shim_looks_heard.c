/* SPDX-License-Identifier: MIT */
/*
 * What another process tells: that it has ended, or a byte by any way. It may have changed the file before that,
 * without the shim; here the change is the test's own, by a call that the shim does not see.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_looks.h"

static int teller = -1; /* the other end of the channel */
static FILE *stream;

static bool tell(void)
{
	return write(teller, "\n", 1) == 1;
}

static int by_pipe(bool (*hears)(int channel, char letter))
{
	int fd = file_warm();
	int ends[2];

	if (pipe(ends))
		return fail("pipe");
	teller = ends[1];
	stream = fdopen(ends[0], "r");
	return news_rounds(fd, hears, ends[0]);
}

static int by_socket(bool (*hears)(int channel, char letter))
{
	int fd = file_warm();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return fail("socketpair");
	teller = ends[1];
	return news_rounds(fd, hears, ends[0]);
}

static bool waits(int channel, char letter)
{
	pid_t child = fork();

	(void)channel;
	(void)letter;
	if (!child)
		_exit(0);
	return waitpid(child, NULL, 0) == child;
}

int heard_wait(void)
{
	return news_rounds(file_warm(), waits, -1);
}

static bool reads(int channel, char letter)
{
	char c;

	(void)letter;
	return tell() && read(channel, &c, 1) == 1;
}

int heard_pipe(void)
{
	return by_pipe(reads);
}

/* How much lies in the pipe; nothing of it is read. */
static bool counts(int channel, char letter)
{
	int there = 0;

	(void)letter;
	return tell() && !ioctl(channel, FIONREAD, &there) && there > 0;
}

int heard_count(void)
{
	return by_pipe(counts);
}

static bool reads_vector(int channel, char letter)
{
	char c;
	struct iovec iov = { &c, 1 };

	(void)letter;
	return tell() && readv(channel, &iov, 1) == 1;
}

int heard_vector(void)
{
	return by_pipe(reads_vector);
}

static bool receives(int channel, char letter)
{
	char c;

	(void)letter;
	return tell() && recv(channel, &c, 1, 0) == 1;
}

int heard_recv(void)
{
	return by_socket(receives);
}

static bool receives_message(int channel, char letter)
{
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)letter;
	return tell() && recvmsg(channel, &message, 0) == 1;
}

int heard_message(void)
{
	return by_socket(receives_message);
}

static bool reads_line(int channel, char letter)
{
	char line[8];

	(void)channel;
	(void)letter;
	return tell() && fgets(line, sizeof(line), stream);
}

int heard_line(void)
{
	return by_pipe(reads_line);
}

static bool reads_byte(int channel, char letter)
{
	(void)channel;
	(void)letter;
	return tell() && getc(stream) == '\n';
}

int heard_byte(void)
{
	return by_pipe(reads_byte);
}

static bool scans(int channel, char letter)
{
	char c;

	(void)channel;
	(void)letter;
	return tell() && fscanf(stream, "%c", &c) == 1;
}

int heard_scan(void)
{
	return by_pipe(scans);
}

static bool reads_record(int channel, char letter)
{
	char c;

	(void)channel;
	(void)letter;
	return tell() && fread(&c, 1, 1, stream) == 1;
}

int heard_record(void)
{
	return by_pipe(reads_record);
}

static bool reads_long_line(int channel, char letter)
{
	static char *line;
	static size_t room;

	(void)channel;
	(void)letter;
	return tell() && getline(&line, &room, stream) == 1;
}

int heard_long_line(void)
{
	return by_pipe(reads_long_line);
}

static bool reads_byte_alone(int channel, char letter)
{
	(void)channel;
	(void)letter;
	return tell() && getc_unlocked(stream) == '\n';
}

int heard_byte_alone(void)
{
	return by_pipe(reads_byte_alone);
}

static bool runs_command(int channel, char letter)
{
	(void)channel;
	(void)letter;
	return !system("exit 0");
}

int heard_command(void)
{
	return news_rounds(file_warm(), runs_command, -1);
}

/* The parent goes on when the child has ended, and need not wait for it. */
static bool lends_memory(int channel, char letter)
{
	pid_t child = vfork();

	(void)channel;
	(void)letter;
	if (!child)
		_exit(0);
	return child > 0;
}

int heard_vfork(void)
{
	return news_rounds(file_warm(), lends_memory, -1);
}

static bool takes_signal(int channel, char letter)
{
	sigset_t set;
	int sig;

	(void)channel;
	(void)letter;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	kill(getpid(), SIGUSR1);
	return !sigwait(&set, &sig) && sig == SIGUSR1;
}

int heard_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return news_rounds(file_warm(), takes_signal, -1);
}
