/* SPDX-License-Identifier: MIT */
/*
 * What it would take to serve shared mappings of files that may be written to and mostly are not: bench_writemap FILE
 *
 * Pages of the image would stand in the place of the origin's until the first store, which a protection has to stop
 * in time. FILE, of some MiB, stands for both. docs/notes/stores.md has the answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u
#define PAGES 1024u

static char *map;
static int file;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static char *map_new(int type, int prot)
{
	char *p = mmap(NULL, PAGES * PAGE, prot, type, file, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* Each page is stored to once, and looked at before, as a program would that searches for its place. */
static double stores_ns(void)
{
	uint64_t start;
	unsigned int sum = 0;

	for (unsigned int i = 0; i < PAGES; i++)
		sum += (unsigned char)map[i * PAGE];
	start = now_ns();
	for (unsigned int i = 0; i < PAGES; i++)
		((volatile char *)map)[i * PAGE] = (char)(sum + i);
	return (double)(now_ns() - start) / PAGES;
}

/* The origin's page in the place of the image's. */
static void page_exchange(int signal, siginfo_t *info, void *context)
{
	char *page = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));

	(void)signal;
	(void)context;
	if (page < map || page >= map + PAGES * PAGE ||
	    mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, page - map) ==
		    MAP_FAILED)
		_exit(2);
}

/* Registering a mapping of the file for write-protection by userfaultfd. */
static const char *userfault_try(int type, bool synchronous)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = synchronous ? 0 : UINT64_C(1) << 15 /* WP_ASYNC */ };
	struct uffdio_register range = { .range = { 0, PAGES * PAGE },
					 .mode = UFFDIO_REGISTER_MODE_WP };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	const char *result = "works";
	char *p = map_new(type, PROT_READ | PROT_WRITE);

	range.range.start = (uintptr_t)p;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		result = strerror(errno);
	munmap(p, PAGES * PAGE);
	if (fd >= 0)
		close(fd);
	return result;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = page_exchange, .sa_flags = SA_SIGINFO };
	struct stat st;
	int from;
	ssize_t n;

	file = argc == 2 ? open(argv[1], O_RDWR) : -1;
	from = open("/dev/zero", O_RDONLY);
	if (file < 0 || from < 0 || fstat(file, &st) || st.st_size < PAGES * PAGE) {
		fprintf(stderr, "usage: bench_writemap FILE (of %u MiB)\n", PAGES * PAGE >> 20);
		return 1;
	}
	printf("userfaultfd, write-protection that tells, shared mapping: %s\n",
	       userfault_try(MAP_SHARED, true));
	printf("userfaultfd, write-protection that tells, private mapping: %s\n",
	       userfault_try(MAP_PRIVATE, true));
	printf("userfaultfd, write-protection that does not wait (WP_ASYNC), shared: %s\n",
	       userfault_try(MAP_SHARED, false));
	map = map_new(MAP_SHARED, PROT_READ | PROT_WRITE);
	printf("first store to a page, the kernel alone: %.0f ns\n", stores_ns());
	munmap(map, PAGES * PAGE);
	map = map_new(MAP_SHARED, PROT_READ);
	sigaction(SIGSEGV, &action, NULL);
	printf("first store to a page, mprotect() and SIGSEGV: %.0f ns\n", stores_ns());
	munmap(map, PAGES * PAGE);
	map = map_new(MAP_SHARED, PROT_READ);
	n = read(from, map, PAGE);
	printf("read() into such a page: %zd, %s\n", n, n < 0 ? strerror(errno) : "as without");
	return 0;
}
