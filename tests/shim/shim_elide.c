/* SPDX-License-Identifier: MIT */
/*
 * Socket writes of cached bytes: shim_elide CACHED-FILE LOCAL-COPY [leave]
 *
 * What arrives must be what was written, whatever happened to the buffer since it was read, and
 * counts, errors and signals must be those of the plain calls. Passes without the shim, too. With
 * "leave", transfers that wait are left by siglongjmp() and cancellation, a hundred times each.
 */
#include <fcntl.h>
#include <pthread.h>
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
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_elide.h"

static int count, failed;
const char *path;
char *want; /* the file's bytes, read without the cache */
static size_t size;

void ok(bool good, const char *what)
{
	count++;
	failed += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", count, what);
	fflush(stdout);
}

void die(const char *what)
{
	perror(what);
	exit(1);
}

const char *const ways[] = { "write",	  "send",   "send NOSIGNAL", "send DONTWAIT",
			     "send MORE", "sendto", "writev",	     "sendmsg" };

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

bool passes(bool tcp, char *from, size_t n, const char *bytes)
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
