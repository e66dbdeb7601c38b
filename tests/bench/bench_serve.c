/* SPDX-License-Identifier: MIT */
/*
 * Serving a cached file over loopback TCP against serving a local copy, in one process and in
 * turns: bench_serve CACHED-FILE LOCAL-COPY [--json]
 *
 *	read+write	a buffer is read and written, as most servers do
 *	mmap+write	written from a mapping that is made for each pass
 *	sendfile	the kernel moves the bytes
 *
 * What counts is the processor time of the serving process for each byte (getrusage), the best
 * of several alternating rounds; above 1 the cache is cheaper. Another process takes the bytes.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 16
#define BUFFER (1u << 20)

static char *buf;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void take_all(int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, buf, BUFFER) > 0)
		;
	_exit(0);
}

/* A connection to a process that reads what it is sent. */
static int connect_taker(pid_t *taker)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t n = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int s[2];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, n) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &n) ||
	    connect(s[0], (struct sockaddr *)&address, n))
		die("connect");
	s[1] = accept(listener, NULL, NULL);
	close(listener);
	*taker = fork();
	if (*taker < 0)
		die("fork");
	if (!*taker) {
		close(s[0]);
		take_all(s[1]);
	}
	close(s[1]);
	return s[0];
}

static void send_whole(int socket, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(socket, p, n);

		if (done <= 0)
			die("write");
		p += done;
		n -= (size_t)done;
	}
}

static void read_write(int fd, int socket, size_t piece, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, buf, piece);

		if (n <= 0)
			die("read");
		send_whole(socket, buf, (size_t)n);
		at += (size_t)n;
	}
}

static void mmap_write(int fd, int socket, size_t piece, size_t size)
{
	char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (size_t at = 0; at < size; at += piece)
		send_whole(socket, p + at, size - at < piece ? size - at : piece);
	munmap(p, size);
}

static void with_sendfile(int fd, int socket, size_t piece, size_t size)
{
	off_t at = 0;

	while ((size_t)at < size)
		if (sendfile(socket, fd, &at, piece) <= 0)
			die("sendfile");
}

static const struct {
	const char *name;
	void (*run)(int fd, int socket, size_t piece, size_t size);
} loops[] = {
	{ "read+write", read_write },
	{ "mmap+write", mmap_write },
	{ "sendfile", with_sendfile },
};

/* Nanoseconds a byte. */
static double pass(const char *path, int socket, int loop, size_t piece)
{
	struct stat st;
	double start;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st))
		die(path);
	start = cpu_seconds();
	loops[loop].run(fd, socket, piece, (size_t)st.st_size);
	start = cpu_seconds() - start;
	close(fd);
	return start * 1e9 / (double)st.st_size;
}

int main(int argc, char **argv)
{
	static const size_t pieces[] = { 65536, 262144 };
	bool json = argc > 3 && !strcmp(argv[3], "--json");
	pid_t taker;
	int socket;

	if (argc < 3)
		return 2;
	buf = malloc(BUFFER);
	memset(buf, 0, BUFFER);
	socket = connect_taker(&taker);
	if (!json)
		printf("%-12s %-6s %14s %14s %8s\n", "loop", "size", "cache ns/KiB",
		       "native ns/KiB", "ratio");
	for (int i = 0; i < 6; i++) {
		double best[2] = { 1e9, 1e9 };
		int loop = i / 2;

		/* the first round is not counted */
		for (int round = -1; round < ROUNDS; round++)
			for (int turn = 0; turn < 2; turn++) {
				int side = (round & 1) ^
					   turn; /* who is first has the fuller buffers */
				double t = pass(argv[1 + side], socket, loop, pieces[i % 2]);

				if (round >= 0 && t < best[side])
					best[side] = t;
			}
		printf(json ? "{\"bench\":\"serve\",\"loop\":\"%s\",\"size\":\"%zuK\","
			      "\"cache_ns_per_kib\":%.1f,\"native_ns_per_kib\":%.1f,"
			      "\"ratio\":%.2f}\n" :
			      "%-12s %-3zuK   %14.1f %14.1f %7.2fx\n",
		       loops[loop].name, pieces[i % 2] >> 10, best[0] * 1024, best[1] * 1024,
		       best[1] / best[0]);
	}
	close(socket);
	waitpid(taker, NULL, 0);
	return 0;
}
