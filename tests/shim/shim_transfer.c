/* SPDX-License-Identifier: MIT */
/*
 * sendfile(), splice(), copy_file_range() and socket writes under the shim against the same
 * natively: shim_transfer CACHED-FILE LOCAL-COPY FAR NEAR
 *
 * Every call is made on both files; count, errno, offsets, positions and the bytes that arrive
 * must be equal. FAR and NEAR are written to; FAR should lie on another file system than
 * CACHED-FILE, NEAR on the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int count, failed;

static void ok(bool good, const char *what, long detail)
{
	count++;
	failed += !good;
	printf("%sok %d - %s (%ld)\n", good ? "" : "not ", count, what, detail);
}

struct outcome {
	ssize_t done;
	int err;
	off_t offset, position;
	uint64_t sum;
};

struct sink {
	int fd;
	uint64_t sum, bytes;
};

static uint64_t sum_of(uint64_t sum, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = sum * 1099511628211u + p[i];
	return sum;
}

static void *drain(void *arg)
{
	static __thread unsigned char buf[1 << 16];
	struct sink *sink = arg;
	ssize_t n;

	while ((n = read(sink->fd, buf, sizeof(buf))) > 0) {
		sink->sum = sum_of(sink->sum, buf, (size_t)n);
		sink->bytes += (uint64_t)n;
	}
	return NULL;
}

enum {
	SENDFILE,
	SENDFILE_POSITION,
	SPLICE,
	SPLICE_POSITION,
	COPY,
	COPY_POSITION,
	COPY_NEAR,
	COPY_NEAR_POSITION,
	COPY_NEAR_TO,
	WRITE,
	SEND,
	WAYS
};
static const char *const names[] = { "sendfile",
				     "sendfile at the position",
				     "splice",
				     "splice at the position",
				     "copy_file_range",
				     "copy_file_range at the position",
				     "copy_file_range within a file system",
				     "copy_file_range within a file system at the position",
				     "copy_file_range within a file system to an offset",
				     "write",
				     "send" };

/* The offset behind what was written shows in that of what was read. */
static ssize_t copy_to(int fd, int out, off_t *offset, size_t n)
{
	off_t to = 12345;
	ssize_t done = copy_file_range(fd, offset, out, &to, n, 0);

	*offset += to * 1000;
	return done;
}

static ssize_t call(int way, int fd, int out, off_t *offset, size_t n)
{
	static char *buf;
	ssize_t got;

	switch (way) {
	case SENDFILE:
		return sendfile(out, fd, offset, n);
	case SENDFILE_POSITION:
		return sendfile(out, fd, NULL, n);
	case SPLICE:
		return splice(fd, offset, out, NULL, n, 0);
	case SPLICE_POSITION:
		return splice(fd, NULL, out, NULL, n, 0);
	case COPY:
	case COPY_NEAR:
		return copy_file_range(fd, offset, out, NULL, n, 0);
	case COPY_POSITION:
	case COPY_NEAR_POSITION:
		return copy_file_range(fd, NULL, out, NULL, n, 0);
	case COPY_NEAR_TO:
		return copy_to(fd, out, offset, n);
	}
	if (!buf)
		buf = malloc(8 << 20);
	got = read(fd, buf, n < (8 << 20) ? n : 8 << 20);
	if (got <= 0)
		return got;
	/* every third time the program changes what it read */
	if (n % 3 == 0)
		buf[got / 2] ^= 1;
	return way == WRITE ? write(out, buf, (size_t)got) :
			      send(out, buf, (size_t)got, MSG_NOSIGNAL);
}

static struct outcome run(int way, const char *path, char **scratch, off_t at, size_t n)
{
	struct outcome o = { .offset = at };
	struct sink sink = { .fd = -1 };
	int fd = open(path, O_RDONLY);
	pthread_t thread;
	int ends[2];

	lseek(fd, at, SEEK_SET);
	if (way >= COPY && way <= COPY_NEAR_TO) {
		ends[1] = open(scratch[way >= COPY_NEAR], O_RDWR | O_CREAT | O_TRUNC, 0600);
	} else {
		if (way == SPLICE || way == SPLICE_POSITION ?
			    pipe(ends) :
			    socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			exit(1);
		sink.fd = ends[0];
		pthread_create(&thread, NULL, drain, &sink);
	}
	errno = 0;
	o.done = call(way, fd, ends[1], &o.offset, n);
	o.err = o.done < 0 ? errno : 0;
	o.position = lseek(fd, 0, SEEK_CUR);
	if (sink.fd < 0) {
		sink.fd = ends[1];
		lseek(ends[1], 0, SEEK_SET);
		drain(&sink);
		close(ends[1]);
	} else {
		close(ends[1]);
		pthread_join(thread, NULL);
		close(ends[0]);
	}
	o.sum = sink.sum ^ sink.bytes;
	close(fd);
	return o;
}

static bool equal(const struct outcome *a, const struct outcome *b)
{
	return a->done == b->done && a->err == b->err && a->offset == b->offset &&
	       a->position == b->position && a->sum == b->sum;
}

static void compare(char **argv, off_t size)
{
	const off_t offsets[] = { 0, 1, 4096, 262143, 262144, 1000000, size - 1, size, size + 5 };
	const size_t lengths[] = { 1, 4095, 65536, 65537, 300000, 1048575, 4000000, 0 };

	for (int way = 0; way < WAYS; way++) {
		int bad = 0;
		int cases = 0;

		for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
			for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
				struct outcome a = run(way, argv[1], argv + 3, offsets[i],
						       lengths[j]);
				struct outcome b = run(way, argv[2], argv + 3, offsets[i],
						       lengths[j]);

				cases++;
				/* a pipe takes what fits, which depends on the reader's luck */
				if ((way == SPLICE || way == SPLICE_POSITION) && a.done > 0 &&
				    b.done > 0 && a.done != b.done)
					continue;
				if (equal(&a, &b))
					continue;
				bad++;
				printf("# %s at %ld of %zu: %zd/%d/%ld/%ld, natively "
				       "%zd/%d/%ld/%ld%s\n",
				       names[way], (long)offsets[i], lengths[j], a.done, a.err,
				       (long)a.offset, (long)a.position, b.done, b.err,
				       (long)b.offset, (long)b.position,
				       a.sum == b.sum ? "" : " BYTES");
			}
		}
		ok(!bad, names[way], cases);
	}
}

/* Errors as the kernel gives them. */
static void errors(const char *path)
{
	int fd = open(path, O_RDONLY);
	int s[2];
	ssize_t total = 0;
	ssize_t n;
	off_t at = 0;

	signal(SIGPIPE, SIG_IGN);
	ok(sendfile(-1, fd, NULL, 100) == -1 && errno == EBADF, "EBADF", errno);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s))
		exit(1);
	while ((n = sendfile(s[1], fd, &at, 1 << 20)) > 0)
		total += n;
	ok(n == -1 && errno == EAGAIN && at == total && total > 0, "EAGAIN after a part", total);
	close(s[0]);
	at = 0;
	ok(sendfile(s[1], fd, &at, 100) == -1 && errno == EPIPE && !at, "EPIPE", errno);
	close(s[1]);
	close(fd);
}

struct answer {
	ssize_t done;
	int err;
};

static struct answer answer(ssize_t done)
{
	struct answer a = { done, done < 0 ? errno : 0 };

	return a;
}

#define ANSWERS 16

/* What copies between the file and `near` are answered. */
static int copy_answers(const char *path, const char *near, struct answer *a)
{
	int fd = open(path, O_RDONLY);
	int out = open(near, O_RDWR | O_TRUNC);
	int append = open(near, O_WRONLY | O_APPEND);
	int other = open(near, O_RDONLY);
	int dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	off_t *bad = (off_t *)4096, at = 0, minus = -1, end = INT64_MAX - 10;
	int i = 0;

	a[i++] = answer(copy_file_range(fd, bad, out, NULL, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, out, bad, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, append, NULL, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, other, NULL, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, dir, NULL, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, fd, NULL, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, -1, NULL, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, out, NULL, 100, 1));
	a[i++] = answer(copy_file_range(fd, &minus, out, NULL, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, out, &minus, 100, 0));
	a[i++] = answer(copy_file_range(fd, &end, out, NULL, 100, 0));
	a[i++] = answer(copy_file_range(fd, NULL, out, &end, 100, 0));
	a[i++] = answer(copy_file_range(fd, &at, out, NULL, SIZE_MAX, 0));
	a[i++] = answer(at);
	a[i++] = answer(lseek(out, 0, SEEK_CUR));
	a[i++] = answer(lseek(fd, 0, SEEK_CUR));
	close(fd);
	close(out);
	close(append);
	close(other);
	close(dir);
	return i;
}

static void copy_errors(char **argv)
{
	struct answer a[ANSWERS], b[ANSWERS];
	int n = copy_answers(argv[1], argv[4], a);
	int bad = 0;

	copy_answers(argv[2], argv[4], b);
	for (int i = 0; i < n; i++) {
		if (a[i].done == b[i].done && a[i].err == b[i].err)
			continue;
		bad++;
		printf("# answer %d: %zd/%d, natively %zd/%d\n", i, a[i].done, a[i].err, b[i].done,
		       b[i].err);
	}
	ok(!bad, "copies fail as natively", n);
}

/* A bad pointer is an error and not a fault. */
static void bad_offsets(const char *path)
{
	off_t *bad = (off_t *)4096;
	int fd = open(path, O_RDONLY);
	int ends[2];
	char c;

	if (pipe(ends) || pread(fd, &c, 1, 0) != 1)
		exit(1);
	ok(sendfile(ends[1], fd, bad, 100) == -1 && errno == EFAULT, "sendfile: EFAULT", errno);
	ok(splice(fd, bad, ends[1], NULL, 100, 0) == -1 && errno == EFAULT, "splice: EFAULT",
	   errno);
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc < 5 || stat(argv[2], &st))
		return 2;
	compare(argv, st.st_size);
	errors(argv[1]);
	bad_offsets(argv[1]);
	copy_errors(argv);
	printf("1..%d\n", count);
	return failed != 0;
}
