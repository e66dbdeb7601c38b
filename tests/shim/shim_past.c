/* SPDX-License-Identifier: MIT */
/*
 * Calls that reach the kernel past the hooks: each read has the bytes of the file that its number is,
 * at the position where the kernel has it.
 *
 *	LD_PRELOAD=... shim_past WHAT FILE OTHER
 *
 * FILE and OTHER have other bytes in each block. Speaks TAP; without the shim the results are the same,
 * but for what is marked.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 4096

static const char *file, *other;
static char *bytes[2];
static char buf[BLOCK];
static int tests, failures;

static void result(int right, const char *name)
{
	tests++;
	failures += !right;
	printf("%sok %d - %s\n", right ? "" : "not ", tests, name);
}

static char *bytes_of(const char *path)
{
	int fd = open(path, O_RDONLY);
	off_t n = lseek(fd, 0, SEEK_END);
	char *p = malloc((size_t)n);

	if (!p || pread(fd, p, (size_t)n, 0) != (ssize_t)n)
		exit(77);
	close(fd);
	return p;
}

/* Whether the next read() of `fd` is block `i` of file `which`. */
static int next_is(int fd, int which, int i)
{
	memset(buf, 0, sizeof(buf));
	return read(fd, buf, BLOCK) == BLOCK && !memcmp(buf, bytes[which] + i * BLOCK, BLOCK);
}

static int at_is(int fd, int which, int i)
{
	memset(buf, 0, sizeof(buf));
	return pread(fd, buf, BLOCK, (off_t)i * BLOCK) == BLOCK &&
	       !memcmp(buf, bytes[which] + i * BLOCK, BLOCK);
}

/* --- liburing */

static struct io_uring ring;

static int ring_do(void)
{
	struct io_uring_cqe *cqe;
	int n;

	io_uring_submit(&ring);
	if (io_uring_wait_cqe(&ring, &cqe))
		return -1;
	n = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return n;
}

static void ring_replace(int early)
{
	int fd, again;

	if (early)
		io_uring_queue_init(8, &ring, 0);
	fd = open(file, O_RDONLY);
	result(next_is(fd, 0, 0), "before there is a ring");
	if (!early)
		io_uring_queue_init(8, &ring, 0);
	io_uring_prep_close(io_uring_get_sqe(&ring), fd);
	ring_do();
	io_uring_prep_openat(io_uring_get_sqe(&ring), AT_FDCWD, other, O_RDONLY, 0);
	again = ring_do();
	result(again == fd && next_is(fd, 1, 0),
	       "a number that a ring closed and opened, by read()");
	result(at_is(fd, 1, 3), "and by pread()");
	io_uring_prep_close(io_uring_get_sqe(&ring), fd);
	ring_do();
	result(pread(fd, buf, 1, 0) < 0, "and closed again");
	io_uring_queue_exit(&ring);
}

static void ring_position(void)
{
	int fd = open(file, O_RDONLY);
	int right;

	io_uring_queue_init(8, &ring, 0);
	right = next_is(fd, 0, 0);
	for (int i = 1; i < 7; i += 2) {
		io_uring_prep_read(io_uring_get_sqe(&ring), fd, buf, BLOCK, (uint64_t)-1);
		right &= ring_do() == BLOCK && !memcmp(buf, bytes[0] + i * BLOCK, BLOCK);
		right &= next_is(fd, 0, i + 1);
	}
	result(right, "a ring and read() in turns at one position");
	close(fd);
	io_uring_queue_exit(&ring);
}

/* --- a ring by syscall(2), as libuv has it */

static struct {
	int fd;
	char *queue;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
} raw;

static int raw_make(void)
{
	size_t n;

	raw.fd = (int)syscall(SYS_io_uring_setup, 8, &raw.params);
	if (raw.fd < 0)
		return 0;
	n = raw.params.cq_off.cqes + raw.params.cq_entries * sizeof(struct io_uring_cqe);
	raw.queue = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, raw.fd, IORING_OFF_SQ_RING);
	raw.sqes = mmap(NULL, raw.params.sq_entries * sizeof(*raw.sqes), PROT_READ | PROT_WRITE,
			MAP_SHARED, raw.fd, IORING_OFF_SQES);
	return raw.queue != MAP_FAILED && raw.sqes != MAP_FAILED;
}

static unsigned int *raw_word(unsigned int offset)
{
	return (unsigned int *)(raw.queue + offset);
}

static int raw_do(const struct io_uring_sqe *sqe)
{
	unsigned int mask = *raw_word(raw.params.sq_off.ring_mask);
	unsigned int tail = *raw_word(raw.params.sq_off.tail);
	unsigned int head = *raw_word(raw.params.cq_off.head);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(raw.queue + raw.params.cq_off.cqes);
	int ret;

	raw.sqes[tail & mask] = *sqe;
	raw_word(raw.params.sq_off.array)[tail & mask] = tail & mask;
	__atomic_store_n(raw_word(raw.params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, raw.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -1;
	ret = cqes[head & *raw_word(raw.params.cq_off.ring_mask)].res;
	__atomic_store_n(raw_word(raw.params.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return ret;
}

/* Where the kernel has the position of `fd`. */
static long kernel_position(int fd)
{
	char path[64], line[64];
	FILE *info;
	long at = -1;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "r");
	if (info && fgets(line, sizeof(line), info))
		sscanf(line, "pos: %ld", &at);
	if (info)
		fclose(info);
	return at;
}

static void raw_ring(int under)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_EPOLL_CTL };
	int fds[2], poll = epoll_create1(0), fd, again;

	if (!raw_make() || pipe(fds)) {
		result(1, "no ring here # SKIP");
		return;
	}
	sqe.fd = poll;
	sqe.addr = (uintptr_t)&event;
	sqe.len = EPOLL_CTL_ADD;
	sqe.off = (uint64_t)fds[0];
	fd = open(file, O_RDONLY);
	result(raw_do(&sqe) == 0 && next_is(fd, 0, 0) && next_is(fd, 0, 1),
	       "a ring that changes an epoll set");
	/* of the shim alone: the kernel has it where it was */
	result(!under || kernel_position(fd) == 0, "costs no system call");
	sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .fd = fd, .len = BLOCK, .off = UINT64_MAX
	};
	sqe.addr = (uintptr_t)buf;
	result(raw_do(&sqe) == BLOCK && !memcmp(buf, bytes[0] + 2 * BLOCK, BLOCK) &&
		       next_is(fd, 0, 3),
	       "the same ring reads at the position");
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = fd };
	raw_do(&sqe);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD };
	sqe.addr = (uintptr_t)other;
	again = raw_do(&sqe);
	result(again == fd && next_is(fd, 1, 0) && at_is(fd, 1, 2), "closes, and opens");
}

/* --- by number */

static void copied(void)
{
	int self = (int)syscall(434 /* pidfd_open */, getpid(), 0);
	int fd = open(file, O_RDONLY);
	int right = next_is(fd, 0, 0);
	int copy = (int)syscall(438 /* pidfd_getfd */, self, fd, 0);

	if (copy < 0) {
		result(1, "no pidfd_getfd() here # SKIP");
		return;
	}
	result(right && next_is(copy, 0, 1) && next_is(fd, 0, 2), "pidfd_getfd() on ourselves");
}

/* --- writing by a ring: a child that has read the file, and reads it again, sees it */

static int child_sees(int in, int out, const char *path)
{
	int fd = open(path, O_RDONLY);
	char go;

	for (char round = 'a';; round++) {
		char seen[2] = "?";

		if (pread(fd, seen, 1, 100) != 1 || write(out, seen, 1) != 1 ||
		    read(in, &go, 1) != 1)
			return 0;
	}
}

static void ring_writes(const char *path)
{
	int to[2], from[2], fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	int right = fd >= 0 && !ftruncate(fd, BLOCK);
	char seen;

	if (pipe(to) || pipe(from))
		exit(1);
	fsync(fd);
	usleep(300000);
	if (!fork()) {
		close(to[1]);
		_exit(child_sees(to[0], from[1], path));
	}
	io_uring_queue_init(8, &ring, 0);
	right &= read(from[0], &seen, 1) == 1 && seen == 0;
	for (char c = 'a'; c < 'g'; c++) {
		io_uring_prep_write(io_uring_get_sqe(&ring), fd, &c, 1, 100);
		right &= ring_do() == 1;
		right &= write(to[1], "x", 1) == 1 && read(from[0], &seen, 1) == 1 && seen == c;
	}
	close(to[1]);
	result(right, "what a ring writes is seen by readers at once");
	io_uring_queue_exit(&ring);
}

/* What a ring writes into a file that it has as its own: the descriptor is closed. */
static void ring_registered(const char *path)
{
	int writer = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	int right = writer >= 0 && !ftruncate(writer, BLOCK) && !fsync(writer) && raw_make();
	int fd = open(path, O_RDONLY);
	char seen = '?';

	right = right && !syscall(SYS_io_uring_register, raw.fd, IORING_REGISTER_FILES, &writer, 1);
	close(writer);
	for (char c = 'a'; right && c < 'k'; c++) {
		struct io_uring_sqe sqe = { .opcode = IORING_OP_WRITE,
					    .flags = IOSQE_FIXED_FILE,
					    .len = 1,
					    .off = 100,
					    .addr = (uintptr_t)&c };

		usleep(150000);
		/* in the cache by then */
		right = pread(fd, &seen, 1, 100) == 1 && raw_do(&sqe) == 1 &&
			pread(fd, &seen, 1, 100) == 1 && seen == c;
	}
	result(right, "what a ring writes into a registered file is seen at once");
}

int main(int argc, char **argv)
{
	const char *preload = getenv("LD_PRELOAD");

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4)
		return 77;
	file = argv[2];
	other = argv[3];
	bytes[0] = bytes_of(file);
	bytes[1] = bytes_of(other);
	if (!strcmp(argv[1], "raw"))
		raw_ring(preload && strstr(preload, "rawcache"));
	if (!strcmp(argv[1], "copied"))
		copied();
	if (!strcmp(argv[1], "writes"))
		ring_writes(argv[4]);
	if (!strcmp(argv[1], "registered"))
		ring_registered(argv[4]);
	if (!strcmp(argv[1], "late") || !strcmp(argv[1], "early"))
		ring_replace(*argv[1] == 'e');
	if (!strcmp(argv[1], "position"))
		ring_position();
	printf("1..%d\n", tests);
	return failures != 0;
}
