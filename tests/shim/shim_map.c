/* SPDX-License-Identifier: MIT */
/*
 * Mappings of a cached file under the shim: shim_map CACHED-FILE LOCAL-COPY [COMMAND]
 * Bytes, copy on write, ends, partial unmapping, mremap, mprotect, fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int count, failed;
static char *want;
static size_t size;

static void ok(bool good, const char *what)
{
	count++;
	failed += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", count, what);
}

static char *map(int fd, size_t n, int prot, int flags, off_t at)
{
	char *p = mmap(NULL, n, prot, flags, fd, at);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

static sigjmp_buf back;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static bool raises_bus(const volatile char *p)
{
	struct sigaction act = { .sa_handler = on_bus };
	bool raised = true;

	sigaction(SIGBUS, &act, NULL);
	if (!sigsetjmp(back, 1)) {
		(void)*p;
		raised = false;
	}
	signal(SIGBUS, SIG_DFL);
	return raised;
}

static bool in_image(const char *p)
{
	char line[512];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), maps)) {
		unsigned long a;
		unsigned long b;

		if (sscanf(line, "%lx-%lx", &a, &b) == 2 && a <= (unsigned long)p &&
		    (unsigned long)p < b)
			found = strstr(line, ".img") != NULL;
	}
	fclose(maps);
	return found;
}

static void writes(int fd)
{
	char *p = map(fd, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	char *q = map(fd, size, PROT_READ, MAP_SHARED, 0);

	p[5] ^= 1;
	p[300000] ^= 1;
	ok(p[5] != want[5] && !memcmp(q, want, size), "a private copy is written to alone");
	ok(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
		   errno == EACCES,
	   "no shared writable mapping of a file that is open for reading");
	munmap(p, size);
	munmap(q, size);
}

static volatile sig_atomic_t buses;

static void count_bus(int sig)
{
	(void)sig;
	buses++;
}

/* What is not aligned raises SIGBUS as well, on any page. */
static void unaligned(int fd)
{
	struct sigaction act = { .sa_handler = count_bus };
	siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_ADRALN };
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, 0);

	info.si_addr = p + 1;
	sigaction(SIGBUS, &act, NULL);
	ok(!syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &info) &&
		   buses == 1 && in_image(p),
	   "what is not aligned is the program's fault");
	signal(SIGBUS, SIG_DFL);
	munmap(p, size);
}

static void parts(int fd)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, 0);
	char *moved;

	ok(!munmap(p + 262144, 262144) && !memcmp(p, want, 262144) &&
		   !memcmp(p + 524288, want + 524288, size - 524288),
	   "a hole in the middle");
	munmap(p, size);
	p = map(fd, size, PROT_READ, MAP_SHARED, 0);
	moved = mremap(p, 262144, 262144, MREMAP_MAYMOVE | MREMAP_FIXED,
		       map(-1, 262144, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0));
	ok(moved != MAP_FAILED && !memcmp(moved, want, 262144), "moved");
	ok(!mprotect(p + 262144, 4096, PROT_NONE) && !mprotect(p + 262144, 4096, PROT_READ) &&
		   !madvise(p + 262144, 65536, MADV_DONTNEED) &&
		   !memcmp(p + 262144, want + 262144, size - 262144),
	   "protected, advised and read");
	munmap(moved, 262144);
	munmap(p, size);
	p = map(fd, 300000, PROT_READ, MAP_PRIVATE, 4096 * 70);
	ok(!memcmp(p, want + (size_t)4096 * 70, 300000), "from an offset");
	munmap(p, 300000);
}

/* What follows in the image must never be seen. */
static void grows(int fd)
{
	size_t whole = (size + 4095) & ~(size_t)4095;
	char *p = map(fd, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	char *room = map(-1, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);

	p[5] ^= 1;
	p = mremap(p, 65536, size, MREMAP_MAYMOVE);
	ok(p != MAP_FAILED && p[5] != want[5], "grown, and what was written is still there");
	if (p == MAP_FAILED)
		return;
	p[5] ^= 1;
	ok(!memcmp(p, want, size), "what it grew by is the file's");
	p = mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	ok(p == room && !memcmp(p, want, size), "several pieces moved as a whole");
	p = mremap(p, whole, 8192, MREMAP_MAYMOVE);
	ok(p == room && !memcmp(p, want, 8192), "and shrunk");
	p = mremap(p, 8192, 300000, MREMAP_MAYMOVE);
	ok(p != MAP_FAILED && !memcmp(p, want, 300000), "and grown again");
	munmap(p, 300000);
	p = map(fd, 262144, PROT_READ, MAP_SHARED, 524288);
	room = mremap(p, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
		      map(-1, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0));
	munmap(p, 262144);
	room = mremap(room, 4096, 100000, MREMAP_MAYMOVE);
	ok(room != MAP_FAILED && !memcmp(room, want + 524288, 100000), "a part of a piece grown");
	munmap(room, 100000);
}

/* --- as the kernel does it */

#define MIB ((size_t)1 << 20)
#define SYS_MSEAL 462 /* since Linux 6.10 */

static long answer(const void *p)
{
	return p == MAP_FAILED ? -errno : 0;
}

static char *room_get(size_t n)
{
	return map(-1, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

/* The file's bytes up to its end, and SIGBUS behind it. */
static bool whole_at(char *p, size_t n)
{
	return !memcmp(p, want, n < size ? n : size) && (n < size + 4096 || raises_bus(p + n - 1));
}

static long grown_beyond(int fd, int type)
{
	char *p = map(fd, 4 * MIB, PROT_READ, type, 0);
	char *room;
	long a;

	p = mremap(p, 4 * MIB, 8 * MIB, MREMAP_MAYMOVE);
	a = answer(p);
	if (a)
		return a;
	room = room_get(8 * MIB);
	a = whole_at(p, 8 * MIB) ?
		    answer(mremap(p, 8 * MIB, 8 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, room)) :
		    1;
	if (!a && !whole_at(room, 8 * MIB))
		a = 2;
	munmap(room, 8 * MIB);
	return a;
}

static long doubled(int fd, int type, int flags)
{
	char *p = map(fd, 2 * MIB, PROT_READ, type, 0);
	char *room = room_get(MIB);
	char *q = mremap(p, 0, MIB, flags, room);
	long a = answer(q);

	if (!a &&
	    (!whole_at(p, 2 * MIB) || !whole_at(q, MIB) || (flags & MREMAP_FIXED && q != room)))
		a = 1;
	if (!a &&
	    (munmap(p, 2 * MIB) || !whole_at(q, MIB) || !mprotect(q, 4096, PROT_READ | PROT_WRITE)))
		a = 2;
	return a;
}

static long made_writable(int fd, int type, size_t at)
{
	char *p = map(fd, size, PROT_READ, type, 0);
	long a = mprotect(p + at, 8192, PROT_READ | PROT_WRITE) ? -errno : 0;

	munmap(p, size);
	return a;
}

/* What grows is protected as the rest is by then. */
static long protected_and_grown(int fd, int prot)
{
	char *p = map(fd, 65536, PROT_READ, MAP_PRIVATE, 0);
	long a = mprotect(p, 65536, prot) ? -errno : 0;

	p = a ? p : mremap(p, 65536, MIB, MREMAP_MAYMOVE);
	a = a ? a : answer(p);
	if (!a && prot & PROT_WRITE)
		p[MIB - 1]++;
	if (!a && !(prot & PROT_WRITE) && read(open("/dev/zero", O_RDONLY), p + MIB - 1, 1) != -1)
		a = 1;
	return a;
}

/* All of it but a page is where it was, or where it should go. */
static bool around_at(const char *p)
{
	return !memcmp(p, want, MIB) &&
	       !memcmp(p + MIB + 8192, want + MIB + 8192, size - MIB - 8192);
}

/* Not one mapping: kernels before 6.17 refuse to move that, and all of them to grow it. */
static long of_two(int fd, int flags)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	char *room = room_get(4 * MIB);
	long a;

	if (mmap(p + MIB, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED ||
	    mmap(p + MIB + 4096, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
		return 1;
	a = answer(mremap(p, size, size, flags, room));
	return around_at(a ? p : room) ? a : 1;
}

static long of_a_hole(int fd, int flags)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	char *room = room_get(4 * MIB);
	long a;

	munmap(p + MIB, 8192);
	a = answer(mremap(p, size, flags & MREMAP_FIXED ? size : 4 * MIB, flags, room));
	return around_at(a ? p : room) ? a : 1;
}

/* What cannot be moved as a whole stays as a whole. */
static void not_moved(int fd)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	char *room = room_get(4 * MIB);
	bool sealed = mmap(p + MIB, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) != MAP_FAILED &&
		      !syscall(SYS_MSEAL, p + MIB, 8192, 0);

	if (!sealed)
		printf("# mseal(): %s\n", strerror(errno));
	ok(!sealed || (mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, room) == MAP_FAILED &&
		       errno == EPERM && around_at(p)),
	   "what cannot be moved is not torn");
}

static long of_offsets(int fd)
{
	char *p = room_get(4 * MIB);

	if (mmap(p, MIB, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(p + MIB, MIB, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		return 1;
	return answer(mremap(p, 2 * MIB, 4 * MIB, MREMAP_MAYMOVE));
}

#define as_the_kernel(call) \
	do { \
		long here_, there_; \
		int on = fd; \
\
		here_ = (call); \
		on = copy; \
		there_ = (call); \
		if (here_ != there_) \
			printf("# %ld, not %ld\n", here_, there_); \
		ok(here_ == there_ && here_ <= 0, #call); \
	} while (0)

static void semantics(int fd, int copy)
{
	const int move = MREMAP_MAYMOVE;
	const int fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

	as_the_kernel(grown_beyond(on, MAP_SHARED));
	as_the_kernel(grown_beyond(on, MAP_PRIVATE));
	as_the_kernel(doubled(on, MAP_SHARED, move));
	as_the_kernel(doubled(on, MAP_SHARED, fixed));
	as_the_kernel(doubled(on, MAP_SHARED, 0));
	as_the_kernel(doubled(on, MAP_PRIVATE, move));
	as_the_kernel(made_writable(on, MAP_SHARED, 0));
	as_the_kernel(made_writable(on, MAP_SHARED, 4096 * 300));
	as_the_kernel(made_writable(on, MAP_PRIVATE, 4096));
	as_the_kernel(protected_and_grown(on, PROT_READ | PROT_WRITE));
	as_the_kernel(protected_and_grown(on, PROT_READ));
	as_the_kernel(protected_and_grown(on, PROT_READ | PROT_EXEC));
	as_the_kernel(of_two(on, fixed));
	as_the_kernel(of_a_hole(on, fixed));
	as_the_kernel(of_a_hole(on, move));
	as_the_kernel(of_offsets(on));
	not_moved(fd);
}

/* --- a number that is now the file's, now another's */

static struct turns {
	int number, file, other;
	bool over;
} turns;

static void *numbers_turn(void *arg)
{
	while (!__atomic_load_n(&turns.over, __ATOMIC_RELAXED)) {
		dup2(turns.file, turns.number);
		dup2(turns.other, turns.number);
	}
	return arg;
}

/* What a mapping grows by is the file's, through whatever number it was mapped. */
static void turning(const char *file, int copy)
{
	int number = dup(copy); /* the lowest: found first */
	pthread_t thread;
	int wrong = 0;

	turns = (struct turns){ number, open(file, O_RDONLY), memfd_create("other", 0), false };
	if (turns.other < 0 || ftruncate(turns.other, (off_t)size) ||
	    pthread_create(&thread, NULL, numbers_turn, NULL))
		exit(1);
	for (int i = 0; i < 10000; i++) {
		char *p = map(turns.file, 65536, PROT_READ, MAP_PRIVATE, 0);
		char *q = mremap(p, 65536, 131072, MREMAP_MAYMOVE);

		if (q != MAP_FAILED)
			wrong += memcmp(q, want, 131072) != 0;
		munmap(q != MAP_FAILED ? q : p, q != MAP_FAILED ? 131072 : 65536);
	}
	__atomic_store_n(&turns.over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	if (wrong)
		printf("# %d times another file's bytes\n", wrong);
	ok(!wrong, "grown by the file's bytes while its number becomes another's");
}

static int advised(char *p, int advice)
{
	return madvise(p, 300000, advice) ? errno : 0;
}

/* All advice is answered as for the copy, and what was written goes where it goes there. */
static void advise(int fd, int copy)
{
	static const int advices[] = { MADV_NORMAL,	    MADV_RANDOM,     MADV_SEQUENTIAL,
				       MADV_WILLNEED,	    MADV_REMOVE,     MADV_FREE,
				       MADV_COLD,	    MADV_PAGEOUT,    MADV_POPULATE_READ,
				       MADV_POPULATE_WRITE, MADV_WIPEONFORK, MADV_DONTFORK,
				       MADV_DOFORK,	    MADV_DONTDUMP,   MADV_DODUMP,
				       MADV_DONTNEED };
	static const int types[] = { MAP_PRIVATE, MAP_SHARED };
	bool same = true;

	for (int i = 0; i < 4; i++) {
		int prot = PROT_READ | (i & 1 ? PROT_WRITE : 0);
		char *p, *q;

		if (i == 3)
			break; /* shared and writable: there is none */
		p = map(fd, size, prot, types[i / 2], 0);
		q = map(copy, size, prot, types[i / 2], 0);
		for (size_t k = 0; k < sizeof(advices) / sizeof(advices[0]); k++) {
			int a, b;

			if (i & 1)
				p[4097] ^= 1, q[4097] ^= 1;
			a = advised(p, advices[k]);
			b = advised(q, advices[k]);
			if (a != b || memcmp(p, q, size))
				printf("# advice %d, mapping %d: %d, not %d\n", advices[k], i, a,
				       b);
			same = same && a == b && !memcmp(p, q, size);
		}
		munmap(p, size);
		munmap(q, size);
	}
	ok(same, "advice is answered as on any file");
}

static void ends(int fd)
{
	size_t whole = (size + 4095) & ~(size_t)4095;
	char *p = map(fd, whole + 8192, PROT_READ, MAP_PRIVATE, 0);
	bool zeros = true;

	for (size_t i = size; i < whole; i++)
		zeros = zeros && !p[i];
	ok(zeros, "zeros to the end of the last page");
	ok(raises_bus(p + whole + 1), "SIGBUS beyond it");
	munmap(p, whole + 8192);
}

static void forks(int fd)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(memcmp(p, want, size) != 0 || munmap(p, size));
	waitpid(pid, &status, 0);
	ok(status == 0, "a fork child reads it, and unmaps it");
	ok(!memcmp(p, want, size), "the parent still has it");
	munmap(p, size);
}

/* --- children and their mappings, while the cache goes round */

enum { BY_FORK, BY_FORK_BARE, BY_CLONE, BY_SYSCALL, BY_FORK_TWICE, CHILDREN };
static const char *const child_names[] = { "fork()", "_Fork()", "clone()", "syscall(SYS_clone)",
					   "a grandchild" };

struct child {
	char *p;
	int go; /* ends when it is time to look */
};

static int child_look(void *arg)
{
	const struct child *child = arg;
	char c;

	while (read(child->go, &c, 1) < 0 && errno == EINTR)
		;
	return memcmp(child->p, want, size) != 0;
}

static pid_t child_make(int way, struct child *child)
{
	static char stack[65536] __attribute__((aligned(64)));
	int status = 0;
	pid_t pid;

	switch (way) {
	case BY_CLONE:
		return clone(child_look, stack + sizeof(stack), SIGCHLD, child);
	case BY_FORK_BARE:
		pid = _Fork();
		break;
	case BY_SYSCALL:
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		break;
	default:
		pid = fork();
	}
	if (pid)
		return pid;
	if (way == BY_FORK_TWICE) {
		pid = fork();
		if (pid < 0)
			_exit(3);
		if (pid) {
			waitpid(pid, &status, 0);
			_exit(status != 0);
		}
	}
	_exit(child_look(child));
}

/* Each child keeps what it inherited when its parent does not have it any more. */
static void children(int fd, const char *go_round)
{
	struct child child = { .p = map(fd, size, PROT_READ, MAP_PRIVATE, 0) };
	pid_t pid[CHILDREN];
	int way, ends[2];

	ok(in_image(child.p), "out of the image");
	if (pipe(ends))
		exit(1);
	child.go = ends[0];
	for (way = 0; way < CHILDREN; way++) {
		pid[way] = child_make(way, &child);
		if (pid[way] < 0)
			exit(1);
	}
	munmap(child.p, size);
	ok(!system(go_round), "the cache goes round");
	for (way = 0; way < CHILDREN + 1; way++)
		if (write(ends[1], "x", 1) != 1)
			exit(1);
	for (way = 0; way < CHILDREN; way++) {
		int status = -1;

		waitpid(pid[way], &status, 0);
		ok(!status, child_names[way]);
	}
}

/* What is mapped when all is dropped is held, though nothing in it may be found any more. */
static void dropped(int fd, const char *drop)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	int status = -1;
	pid_t pid;

	ok(in_image(p + 4096), "out of the image");
	ok(!system(drop), "all is dropped");
	ok(!memcmp(p, want, size), "it is still there");
	munmap(p + 8192, 4096);
	ok(!memcmp(p, want, 8192) && !memcmp(p + 12288, want + 12288, size - 12288), "and cut");
	pid = fork();
	if (!pid)
		_exit(memcmp(p, want, 8192) || memcmp(p + 12288, want + 12288, size - 12288));
	waitpid(pid, &status, 0);
	ok(!status, "a fork child has it");
	munmap(p + 65536, size - 65536);
	p = mremap(p + 12288, 65536 - 12288, 300000, MREMAP_MAYMOVE);
	ok(p != MAP_FAILED && !memcmp(p, want + 12288, 300000), "and grown, by what is the file's");
}

int main(int argc, char **argv)
{
	struct stat st;
	int fd, copy;
	char *p;

	if (argc < 3 || (copy = open(argv[2], O_RDONLY)) < 0 || fstat(copy, &st))
		return 2;
	size = (size_t)st.st_size;
	want = malloc(size);
	if (read(copy, want, size) != (ssize_t)size)
		return 2;
	fd = open(argv[1], O_RDONLY);
	/* or little would be fetched before anything is touched */
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (argc > 3) {
		if (argc > 4)
			dropped(fd, argv[3]);
		else
			children(fd, argv[3]);
		printf("1..%d\n", count);
		return failed != 0;
	}
	p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	ok(!memcmp(p, want, size), "the same bytes");
	ok(in_image(p) && in_image(p + size - 1), "out of the image");
	munmap(p, size);
	writes(fd);
	unaligned(fd);
	parts(fd);
	grows(fd);
	advise(fd, copy);
	ends(fd);
	forks(fd);
	semantics(fd, copy);
	close(fd);
	turning(argv[1], copy);
	printf("1..%d\n", count);
	return failed != 0;
}
