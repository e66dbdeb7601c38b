/* SPDX-License-Identifier: MIT */
/*
 * Socket writes of cached bytes: shim_elide CACHED-FILE LOCAL-COPY [leave]
 *
 * What arrives must be what was written, whatever happened to the buffer since it was read, and
 * counts, errors and signals must be those of the plain calls. Passes without the shim, too. With
 * "leave", transfers that wait are left by siglongjmp() and cancellation, a hundred times each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_MAX (8u << 20)

static int count, failed;
static const char *path;
static char *want; /* the file's bytes, read without the cache */
static size_t size;

static void ok(bool good, const char *what)
{
	count++;
	failed += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", count, what);
	fflush(stdout);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- connections */

static void pair_tcp(int s[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t n = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, n) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &n) ||
	    connect(s[0], (struct sockaddr *)&address, n))
		die("connect");
	s[1] = accept(listener, NULL, NULL);
	close(listener);
}

static void pair(int s[2], bool tcp)
{
	int room = 100000;

	if (tcp)
		pair_tcp(s);
	else if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		die("socketpair");
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

/* What arrives, in pieces of odd sizes and with pauses. */
struct peer {
	pthread_t thread;
	int fd;
	char *got;
	size_t n;
};

static void *peer_run(void *arg)
{
	struct peer *peer = arg;
	unsigned int turn = 0;
	ssize_t n;

	while (peer->n < MESSAGE_MAX &&
	       (n = read(peer->fd, peer->got + peer->n, 1 + turn * 7919 % 200000)) > 0) {
		peer->n += (size_t)n;
		if (++turn % 64 == 0)
			usleep(1000);
	}
	return NULL;
}

static void peer_start(struct peer *peer, int fd)
{
	*peer = (struct peer){ .fd = fd, .got = malloc(MESSAGE_MAX) };
	pthread_create(&peer->thread, NULL, peer_run, peer);
}

/* True if exactly these bytes came. */
static bool peer_end(struct peer *peer, const char *bytes, size_t n)
{
	bool same;

	pthread_join(peer->thread, NULL);
	same = peer->n == n && !memcmp(peer->got, bytes, n);
	if (!same)
		printf("# %zu bytes arrived of %zu%s\n", peer->n, n,
		       peer->n == n ? ", others" : "");
	free(peer->got);
	close(peer->fd);
	return same;
}

/* --- sending all of something */

enum { WRITE, SEND, SEND_NOSIGNAL, SEND_DONTWAIT, SEND_MORE, SENDTO, WRITEV, SENDMSG, WAYS };
static const char *const ways[] = { "write",	 "send",   "send NOSIGNAL", "send DONTWAIT",
				    "send MORE", "sendto", "writev",	    "sendmsg" };

/* One call for bytes in up to three places. */
static ssize_t call(int way, int fd, struct iovec *iov, int n)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	void *p = iov->iov_base;

	switch (way) {
	case WRITE:
		return write(fd, p, iov->iov_len);
	case SEND:
		return send(fd, p, iov->iov_len, 0);
	case SEND_NOSIGNAL:
		return send(fd, p, iov->iov_len, MSG_NOSIGNAL);
	case SEND_DONTWAIT:
		return send(fd, p, iov->iov_len, MSG_DONTWAIT);
	case SEND_MORE:
		return send(fd, p, iov->iov_len, MSG_MORE);
	case SENDTO:
		return sendto(fd, p, iov->iov_len, 0, NULL, 0);
	case WRITEV:
		return writev(fd, iov, n);
	default:
		return sendmsg(fd, &message, MSG_NOSIGNAL);
	}
}

static bool send_all(int way, int fd, struct iovec *iov, int n)
{
	while (n) {
		ssize_t done = iov->iov_len ? call(way, fd, iov, n) : 0;

		if (done < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			poll(&p, 1, 10000);
			continue;
		}
		if (done < 0)
			return false;
		while (n && (size_t)done >= iov->iov_len) {
			done -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n && done) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return true;
}

/* --- what a program may do between reading and writing */

enum { AS_READ, CHANGED_FIRST, CHANGED_LAST, CHANGED_MANY, OVERWRITTEN, FRAMED, STATES };

static size_t prepare(int state, char *buf, size_t n)
{
	switch (state) {
	case CHANGED_FIRST:
		buf[0] ^= 1;
		break;
	case CHANGED_LAST:
		buf[n - 1] ^= 1;
		break;
	case CHANGED_MANY:
		for (size_t i = n / 3; i < n; i += 70001)
			buf[i] ^= 1;
		break;
	case OVERWRITTEN:
		memset(buf, 'x', n);
		break;
	}
	return n;
}

/* The file, piece by piece, each behind a header; what arrived must be what was sent. */
static bool serve(int way, bool tcp, bool blocking, int state, size_t piece)
{
	char *sent = malloc(MESSAGE_MAX);
	char *buf = malloc(piece + 512);
	char header[100];
	struct peer peer;
	size_t total = 0;
	bool good = true;
	ssize_t n;
	int fd = open(path, O_RDONLY);
	int s[2];

	pair(s, tcp);
	if (!blocking)
		fcntl(s[0], F_SETFL, O_NONBLOCK);
	peer_start(&peer, s[1]);
	memset(buf, 'b', piece + 512);
	memset(header, 'h', sizeof(header));
	while (good && (n = read(fd, buf + 256, piece)) > 0) {
		struct iovec iov[3] = { { header, sizeof(header) },
					{ buf + 256, prepare(state, buf + 256, (size_t)n) },
					{ header, 7 } };
		int parts = way >= WRITEV ? 3 : 1;
		struct iovec *first = parts == 3 ? iov : &iov[1];

		/* what stands around it in the same buffer */
		if (state == FRAMED) {
			iov[1].iov_base = buf;
			iov[1].iov_len += 512;
		}
		for (int i = 0; i < parts; i++) {
			memcpy(sent + total, first[i].iov_base, first[i].iov_len);
			total += first[i].iov_len;
		}
		good = send_all(way, s[0], first, parts);
	}
	close(s[0]);
	good = peer_end(&peer, sent, total) && good;
	close(fd);
	free(buf);
	free(sent);
	return good;
}

static void serves(void)
{
	static const size_t pieces[] = { 16384, 65536, 300001 };

	for (int way = 0; way < WAYS; way++) {
		int bad = 0;

		for (int i = 0; i < 2 * 2 * STATES * 3; i++) {
			bool tcp = i & 1;
			bool blocking = i & 2;
			int state = i / 4 % STATES;
			size_t piece = pieces[i / 4 / STATES];

			if (serve(way, tcp, blocking, state, piece))
				continue;
			bad++;
			printf("# %s, %s, %s, state %d, %zu\n", ways[way], tcp ? "TCP" : "UNIX",
			       blocking ? "blocking" : "not blocking", state, piece);
		}
		ok(!bad, ways[way]);
	}
}

/* --- mappings */

/* Write [at, at + n) of `from` and say whether the bytes of `bytes` came. */
static bool passes(bool tcp, char *from, size_t n, const char *bytes)
{
	struct iovec iov = { from, n };
	struct peer peer;
	bool good;
	int s[2];

	pair(s, tcp);
	peer_start(&peer, s[1]);
	good = send_all(WRITE, s[0], &iov, 1);
	close(s[0]);
	return peer_end(&peer, bytes, n) && good;
}

static char *map(int fd, int prot)
{
	char *p = mmap(NULL, size, prot, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void mappings(bool tcp)
{
	int fd = open(path, O_RDONLY);
	char *copy = malloc(size);
	char *p = map(fd, PROT_READ);
	char *q;

	ok(passes(tcp, p, size, want), "a mapping");
	ok(passes(tcp, p + 12345, 700000, want + 12345), "the middle of it");
	close(fd);
	ok(passes(tcp, p, size, want), "a mapping whose descriptor is closed");
	/* others in its place, without and with our knowing */
	mmap(p, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memcpy(copy, want, size);
	memset(copy, 0, 1 << 20);
	ok(passes(tcp, p, size, copy), "a mapping with a replaced part");
	q = (char *)syscall(SYS_mmap, p + (1 << 20), 1 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memset(q, 'q', 1 << 20);
	memset(copy + (1 << 20), 'q', 1 << 20);
	ok(passes(tcp, p, size, copy), "with one replaced behind the library's back");
	munmap(p, size);
	fd = open(path, O_RDONLY);
	p = map(fd, PROT_READ | PROT_WRITE);
	memcpy(copy, want, size);
	copy[300000] ^= 1;
	p[300000] ^= 1;
	ok(passes(tcp, p, size, copy), "a written copy of a mapping");
	munmap(p, size);
	close(fd);
	free(copy);
}

/* Protection as it was, but not the bytes. */
static void mappings_opened(bool tcp)
{
	static const char *const names[] = { "mprotect()", "pkey_mprotect()", "syscall()" };
	char *copy = malloc(size);

	for (int way = 0; way < 3; way++) {
		int fd = open(path, O_RDONLY);
		char *p = map(fd, PROT_READ);
		char *middle = p + 73 * 4096;
		int both = PROT_READ | PROT_WRITE;
		int err = way == 0 ? mprotect(middle, 4096, both) :
			  way == 1 ? pkey_mprotect(middle, 4096, both, -1) :
				     (int)syscall(SYS_mprotect, middle, 4096, both);

		memcpy(copy, want, size);
		copy[73 * 4096 + 1115] ^= 1;
		middle[1115] ^= 1;
		ok(!err && !mprotect(middle, 4096, PROT_READ) && passes(tcp, p, size, copy),
		   names[way]);
		munmap(p, size);
		close(fd);
	}
	free(copy);
}

/* --- others than the thread that read */

static void *thread_write(void *arg)
{
	return (void *)(uintptr_t)passes(true, arg, 200000, want);
}

static void others(void)
{
	int fd = open(path, O_RDONLY);
	char *buf = malloc(200000);
	pthread_t thread;
	void *good;
	int status;
	pid_t pid;

	if (read(fd, buf, 200000) != 200000)
		die("read");
	pthread_create(&thread, NULL, thread_write, buf);
	pthread_join(thread, &good);
	ok(good != NULL, "another thread");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(!passes(false, buf, 200000, want));
	waitpid(pid, &status, 0);
	ok(!status, "a fork child");
	ok(passes(true, buf, 200000, want), "and its parent");
	close(fd);
	ok(passes(true, buf, 200000, want), "the file is closed");
	free(buf);
	buf = calloc(1, 200000);
	ok(passes(true, buf, 200000, memset(malloc(200000), 0, 200000)), "a buffer used again");
	free(buf);
}

/* The number of a stream becomes that of something with messages. */
static void numbers(void)
{
	const ssize_t n = 150000; /* more than the kernel moves at once */
	char *buf = malloc((size_t)n);
	int fd = open(path, O_RDONLY);
	int room = 200000;
	int s[2], m[2], d;

	pair(s, false);
	d = dup(s[0]);
	ok(read(fd, buf, 60000) == 60000 && write(d, buf, 60000) == 60000 &&
		   recv(s[1], buf + 60000, 40000, MSG_WAITALL) == 40000 &&
		   !memcmp(buf + 60000, want, 40000),
	   "a duplicate");
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, m);
	setsockopt(m[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	dup2(m[0], s[0]);
	ok(pread(fd, buf, (size_t)n, 0) == n && write(s[0], buf, (size_t)n) == n &&
		   read(m[1], buf, (size_t)n) == n && !memcmp(buf, want, (size_t)n),
	   "messages stay whole");
	for (int i = 0; i < 2; i++) {
		close(s[i]);
		close(m[i]);
	}
	close(d);
	close(fd);
	free(buf);
}

/* --- errors and signals */

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

static void broken(bool tcp, int way, bool handled)
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

/* A socket that is full: EAGAIN, and what went before is a prefix. */
static void full(bool tcp, int way)
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

/* A signal ends a write that waits: with what was sent, or EINTR. */
static void interrupted(bool tcp)
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

static void leave(void)
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

int main(int argc, char **argv)
{
	struct stat st;
	int fd;

	if (argc < 3 || stat(argv[2], &st))
		return 2;
	path = argv[1];
	size = (size_t)st.st_size;
	want = malloc(size);
	fd = open(argv[2], O_RDONLY);
	if (fd < 0 || read(fd, want, size) != (ssize_t)size)
		die(argv[2]);
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 3) {
		leave();
	} else {
		serves();
		for (int tcp = 0; tcp < 2; tcp++) {
			mappings(tcp);
			mappings_opened(tcp);
			for (int way = 0; way < WAYS; way++)
				if (way != SEND_MORE && way != SEND_DONTWAIT)
					for (int handled = 0; handled < 2; handled++)
						broken(tcp, way, handled);
			full(tcp, WRITEV);
			full(tcp, WRITE);
			full(tcp, SEND_DONTWAIT);
			interrupted(tcp);
		}
		others();
		numbers();
	}
	printf("1..%d\n", count);
	return failed != 0;
}
