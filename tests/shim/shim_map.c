/* SPDX-License-Identifier: MIT */
/*
 * Mappings of a cached file under the shim: shim_map CACHED-FILE LOCAL-COPY [COMMAND]
 * Bytes, copy on write, ends, partial unmapping, mremap, mprotect, fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_map.h"

static int count, failed;
char *want;
size_t size;

void ok(bool good, const char *what)
{
	count++;
	failed += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", count, what);
}

char *map(int fd, size_t n, int prot, int flags, off_t at)
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

bool raises_bus(const volatile char *p)
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

bool in_image(const char *p)
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
