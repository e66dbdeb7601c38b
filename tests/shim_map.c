/* SPDX-License-Identifier: MIT */
/*
 * Mappings of a cached file under the shim: shim_map CACHED-FILE LOCAL-COPY
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
	int fd;
	char *p;

	if (argc < 3 || (fd = open(argv[2], O_RDONLY)) < 0 || fstat(fd, &st))
		return 2;
	size = (size_t)st.st_size;
	want = malloc(size);
	if (read(fd, want, size) != (ssize_t)size)
		return 2;
	fd = open(argv[1], O_RDONLY);
	p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	ok(!memcmp(p, want, size), "the same bytes");
	ok(in_image(p) && in_image(p + size - 1), "out of the image");
	munmap(p, size);
	writes(fd);
	parts(fd);
	ends(fd);
	forks(fd);
	close(fd);
	printf("1..%d\n", count);
	return failed != 0;
}
