/* SPDX-License-Identifier: MIT */
/* Errors and signals of socket writes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim_elide.h"

static volatile sig_atomic_t pipes, alarms;

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

void broken(bool tcp, int way, bool handled)
{
	struct sigaction act = { .sa_handler = handled ? on_pipe : SIG_IGN };
	char header[300] = "header";
	char *buf = malloc(200000);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, 200000);
	struct iovec iov[2] = { { header, sizeof(header) }, { buf, (size_t)n } };
	bool quiet = way == SEND_NOSIGNAL || way == SENDMSG;
	struct iovec *first = way >= WRITEV ? iov : &iov[1];
	sigset_t mask;
	int s[2];

	sigaction(SIGPIPE, &act, NULL);
	pipes = 0;
	pair(s, tcp);
	close(s[1]);
	/* TCP learns of it by its first bytes: a reset, or not yet */
	for (int i = 0; i < 2 && tcp; i++) {
		if (send(s[0], header, 1, MSG_NOSIGNAL) < 0)
			break;
		usleep(20000);
	}
	errno = 0;
	n = call(way, s[0], first, way >= WRITEV ? 2 : 1);
	ok(n == -1 && errno == EPIPE && pipes == (handled && !quiet), ways[way]);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ok(!sigismember(&mask, SIGPIPE), "the signal mask stays");
	signal(SIGPIPE, SIG_IGN);
	close(s[0]);
	close(fd);
	free(buf);
}

void full(bool tcp, int way)
{
	char *sent = malloc(MESSAGE_MAX);
	char *buf = malloc(200000);
	int fd = open(path, O_RDONLY);
	struct peer peer;
	size_t total = 0;
	ssize_t done = 0;
	bool good;
	int s[2];

	pair(s, tcp);
	if (way != SEND_DONTWAIT)
		fcntl(s[0], F_SETFL, O_NONBLOCK);
	while (done >= 0 && total < MESSAGE_MAX - 300000 && read(fd, buf, 200000) > 0) {
		struct iovec iov[2] = { { buf, 150000 }, { buf + 150000, 50000 } };

		done = call(way, s[0], iov, 2);
		if (done < 0)
			break;
		memcpy(sent + total, buf, (size_t)done);
		total += (size_t)done;
	}
	good = done == -1 && errno == EAGAIN && total;
	peer_start(&peer, s[1]);
	close(s[0]);
	ok(peer_end(&peer, sent, total) && good, "a full socket");
	close(fd);
	free(buf);
	free(sent);
}

void interrupted(bool tcp)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value = { .tv_usec = 100000 } };
	char *buf = malloc(1 << 20);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, 1 << 20);
	struct peer peer;
	size_t total = 0;
	ssize_t done;
	bool good;
	int s[2];

	sigaction(SIGALRM, &act, NULL);
	alarms = 0;
	pair(s, tcp);
	for (int i = 0; i < 10; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		done = write(s[0], buf + total, (size_t)n - total);
		if (done < 0)
			break;
		total += (size_t)done;
		if (total == (size_t)n)
			total = 0;
	}
	good = alarms && done == -1 && errno == EINTR;
	peer_start(&peer, s[1]);
	close(s[0]);
	ok(peer_end(&peer, want, total) && good, "interrupted");
	signal(SIGALRM, SIG_DFL);
	close(fd);
	free(buf);
}
