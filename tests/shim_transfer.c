/* SPDX-License-Identifier: MIT */
/*
 * sendfile(), splice(), copy_file_range() and socket writes under the shim against the same
 * natively: shim_transfer CACHED-FILE LOCAL-COPY SCRATCH-FILE
 *
 * Every call is made on both files; count, errno, offsets, positions and the bytes that arrive
 * must be equal. SCRATCH-FILE should lie on another file system than CACHED-FILE.
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
	WRITE,
	SEND,
	WAYS
};
static const char *const names[] = { "sendfile",	"sendfile at the position",
				     "splice",		"splice at the position",
				     "copy_file_range", "copy_file_range at the position",
				     "write",		"send" };

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
		return copy_file_range(fd, offset, out, NULL, n, 0);
	case COPY_POSITION:
		return copy_file_range(fd, NULL, out, NULL, n, 0);
	}
	if (!buf)
		buf = malloc(8 << 20);
	got = read(fd, buf, n < (8 << 20) ? n : 8 << 20);
	if (got <= 0)
		return got;
	/* every third time the program changes what it read */
	if (n % 3 == 0)
		buf[got / 2] ^= 1;
	return way == WRITE ? write(out, buf, (size_t)got)
			    : send(out, buf, (size_t)got, MSG_NOSIGNAL);
}

static struct outcome run(int way, const char *path, const char *scratch, off_t at, size_t n)
{
	struct outcome o = { .offset = at };
	struct sink sink = { .fd = -1 };
	int fd = open(path, O_RDONLY);
	pthread_t thread;
	int ends[2];

	lseek(fd, at, SEEK_SET);
	if (way == COPY || way == COPY_POSITION) {
		ends[1] = open(scratch, O_RDWR | O_CREAT | O_TRUNC, 0600);
	} else {
		if (way == SPLICE || way == SPLICE_POSITION
			    ? pipe(ends)
			    : socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
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
				struct outcome a = run(way, argv[1], argv[3], offsets[i],
						       lengths[j]);
				struct outcome b = run(way, argv[2], argv[3], offsets[i],
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

int main(int argc, char **argv)
{
	struct stat st;

	if (argc < 4 || stat(argv[2], &st))
		return 2;
	compare(argv, st.st_size);
	errors(argv[1]);
	printf("1..%d\n", count);
	return failed != 0;
}
