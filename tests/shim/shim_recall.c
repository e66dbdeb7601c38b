/* SPDX-License-Identifier: MIT */
/*
 * Mappings of a file that changes: shim_recall HOW FILE. The file has PAGES pages, each full of one
 * number; a writer changes all pages in order, and the first one last. So whoever reads the first page
 * first finds no smaller number behind it, and sees the writer's last number when that has ended.
 *
 * Writers: shim_recall write FILE FROM TO, or store, which writes through a shared mapping.
 */
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGES 256u
#define PAGE 4096u
#define WORDS (PAGE / 4)
#define READERS 3
#define OUTSIDE_MS 20000

/* Not in all headers. */
#define ADVICE_GUARD 102 /* MADV_GUARD_INSTALL */
#define NUMBER_mseal 462

extern char **environ;
static const char *self, *file;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void page_fill(uint32_t *page, uint32_t number)
{
	for (unsigned int i = 0; i < WORDS; i++)
		page[i] = number;
}

/* --- writers */

static void write_number(int fd, uint32_t *map, uint32_t number)
{
	static uint32_t page[WORDS];

	page_fill(page, number);
	for (unsigned int i = 1; i <= PAGES; i++) {
		unsigned int at = i % PAGES;

		if (map)
			memcpy(map + at * WORDS, page, PAGE);
		else if (pwrite(fd, page, PAGE, (off_t)at * PAGE) != PAGE)
			die("pwrite");
	}
}

static int writer(bool stores, uint32_t from, uint32_t to)
{
	int fd = open(file, O_RDWR);
	uint32_t *map = NULL;

	if (fd < 0)
		die("open to write");
	if (stores) {
		map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			die("mmap to write");
		close(fd);
	}
	for (; from <= to; from++)
		write_number(fd, map, from);
	return 0;
}

static pid_t writer_spawn(const char *how, const char *from, const char *to, char **env)
{
	char *argv[] = { (char *)self, (char *)how, (char *)file, (char *)from, (char *)to, NULL };
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, argv, env))
		die("spawn");
	return pid;
}

static void writer_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("the writer failed");
}

/* --- readers */

static const volatile uint32_t *file_map(int type)
{
	int fd = open(file, O_RDONLY);
	/* or little would be fetched before anything is touched */
	int err = posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	void *map = mmap(NULL, PAGES * PAGE, PROT_READ, type, fd, 0);

	if (fd < 0 || err || map == MAP_FAILED)
		die("map");
	close(fd);
	return map;
}

/* Whether something else than the file itself is mapped there. */
static bool is_image(const volatile void *map)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[8192];
	bool image = false;

	while (maps && fgets(line, sizeof(line), maps)) {
		uintptr_t start, end;

		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= (uintptr_t)map &&
		    (uintptr_t)map < end)
			image = !strstr(line, file);
	}
	if (maps)
		fclose(maps);
	return image;
}

/* The smallest number there is behind the first page, which must not be below that one's. */
static bool map_right(const volatile uint32_t *map, uint32_t *first)
{
	uint32_t least = map[0];

	*first = least;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (unsigned int i = WORDS; i < PAGES * WORDS; i++)
		if (map[i] < least) {
			fprintf(stderr, "page %u has %u, the first page had %u\n", i / WORDS,
				(unsigned int)map[i], least);
			return false;
		}
	return true;
}

static bool map_has(const volatile uint32_t *map, uint32_t number)
{
	uint32_t first;

	if (!map_right(map, &first))
		return false;
	if (first != number)
		fprintf(stderr, "the first page has %u in place of %u\n", first, number);
	return first == number;
}

static bool ended;

static void *reader(void *arg)
{
	const volatile uint32_t *map = arg;
	uint32_t before = 0, first;

	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED)) {
		if (!map_right(map, &first) || first < before) {
			fprintf(stderr, "after %u: %u\n", before, first);
			return (void *)1;
		}
		before = first;
	}
	return NULL;
}

/* --- what is tried */

static bool outside(const volatile uint32_t *map)
{
	char *none[] = { NULL };
	struct timespec nap = { 0, 10000000 };

	writer_wait(writer_spawn("write", "2", "2", none));
	for (int ms = 0; map[0] != 2 && ms < OUTSIDE_MS; ms += 10)
		nanosleep(&nap, NULL);
	return map_has(map, 2);
}

static bool inherited(const volatile uint32_t *map)
{
	int to[2];
	char byte = 0;
	pid_t pid;

	if (pipe(to) || (pid = fork()) < 0)
		die("fork");
	if (!pid) {
		close(to[1]);
		_exit(!is_image(map) || read(to[0], &byte, 1) != 1 || !map_has(map, 2));
	}
	usleep(100000);
	writer_wait(writer_spawn("write", "2", "2", environ));
	if (write(to[1], &byte, 1) != 1)
		die("pipe");
	writer_wait(pid);
	return map_has(map, 2);
}

static bool many(const volatile uint32_t *map)
{
	pthread_t threads[READERS];
	void *failed;
	bool right = true;

	for (int i = 0; i < READERS; i++)
		if (pthread_create(&threads[i], NULL, reader, (void *)map))
			die("thread");
	writer_wait(writer_spawn("write", "2", "100", environ));
	right = map_has(map, 100);
	writer_wait(writer_spawn("store", "101", "200", environ));
	right = right && map_has(map, 200);
	__atomic_store_n(&ended, true, __ATOMIC_RELAXED);
	for (int i = 0; i < READERS; i++) {
		pthread_join(threads[i], &failed);
		right = right && !failed;
	}
	return right;
}

/* While a writer has the file open, nobody maps it from the image. */
static bool later(const volatile uint32_t *map)
{
	int fd = open(file, O_RDWR);
	const volatile uint32_t *other;

	(void)map;
	if (fd < 0)
		die("open to write");
	write_number(fd, NULL, 2);
	usleep(300000);
	other = file_map(MAP_SHARED);
	if (is_image(other))
		return false;
	write_number(fd, NULL, 3);
	return map_has(other, 3) && map_has(map, 3);
}

/* --- states of a mapping that go with its pages, or hold them */

/* Half of it is sealed: nothing can be mapped there any more. */
static bool sealed(const volatile uint32_t *map)
{
	if (syscall(NUMBER_mseal, map, PAGES / 2 * PAGE, 0))
		exit(77);
	writer_wait(writer_spawn("write", "2", "2", environ));
	return map_has(map, 2);
}

/* What is read into the kernel: a page that cannot be read is an error. */
static bool readable(const volatile void *p)
{
	int ends[2];
	bool can = !pipe(ends) && write(ends[1], (const void *)(uintptr_t)p, 1) == 1;

	close(ends[0]);
	close(ends[1]);
	return can;
}

static bool guarded(const volatile uint32_t *map)
{
	if (madvise((void *)(uintptr_t)(map + WORDS), PAGE, ADVICE_GUARD))
		exit(77);
	writer_wait(writer_spawn("write", "2", "2", environ));
	return map[0] == 2 && map[2 * WORDS] == 2 && !readable(map + WORDS) && readable(map);
}

int main(int argc, char **argv)
{
	const volatile uint32_t *map;
	const char *how = argv[1];
	bool right = false;

	if (argc < 3)
		return 2;
	self = argv[0];
	file = argv[2];
	if (argc == 5)
		return writer(!strcmp(how, "store"), (uint32_t)atoi(argv[3]),
			      (uint32_t)atoi(argv[4]));
	map = file_map(!strcmp(how, "private") ? MAP_PRIVATE : MAP_SHARED);
	if (!is_image(map) || !map_has(map, 1)) {
		fprintf(stderr, "the mapping is not of the image\n");
		return 3;
	}
	if (!strcmp(how, "outside")) {
		right = outside(map);
	} else if (!strcmp(how, "inherited")) {
		right = inherited(map);
	} else if (!strcmp(how, "many")) {
		right = many(map);
	} else if (!strcmp(how, "later")) {
		right = later(map);
	} else if (!strcmp(how, "sealed")) {
		right = sealed(map);
	} else if (!strcmp(how, "guarded")) {
		right = guarded(map);
	} else if (!strcmp(how, "own")) {
		writer(false, 2, 2);
		right = map_has(map, 2);
	} else {
		writer_wait(writer_spawn(!strcmp(how, "stores") ? "store" : "write", "2", "2",
					 environ));
		right = map_has(map, 2);
	}
	return !right;
}
