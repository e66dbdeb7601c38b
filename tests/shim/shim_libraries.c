/* SPDX-License-Identifier: MIT */
/*
 * Libraries whose read-only data are the image's are what they are without it.
 *
 *	LD_PRELOAD=... shim_libraries told|close|past|fork|written|constructor|textrel LIBRARY DATA
 *	LD_PRELOAD=... shim_libraries storm LIBRARY DATA ROUNDS
 *
 * LIBRARY is made of library_data.c, and DATA are its data. Speaks TAP.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"

#define PAGE 4096u
#define WRITERS 3u

static int tests, failures;
static const char *library_path;
static char *data;
static size_t data_bytes;

static void result(bool right, const char *name)
{
	printf("%sok %d - %s\n", right ? "" : "not ", ++tests, name);
	fflush(stdout);
	failures += !right;
}

static void data_read(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	data_bytes = (size_t)lseek(fd, 0, SEEK_END);
	data = malloc(data_bytes);
	n = pread(fd, data, data_bytes, 0);
	if (n != (ssize_t)data_bytes)
		exit(2);
	close(fd);
}

static void *library_open(const char **bytes)
{
	void *library = dlopen(library_path, RTLD_NOW);

	if (!library) {
		puts(dlerror());
		exit(2);
	}
	*bytes = dlsym(library, "library_data");
	return library;
}

static bool is_data(const char *bytes)
{
	return !memcmp(bytes, data, data_bytes);
}

/* --- what is told of it */

/* The first mapping that has the library's name: its address. */
static uintptr_t maps_first(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uintptr_t first = 0;
	char line[PATH_MAX];

	while (!first && fgets(line, sizeof(line), maps))
		if (strstr(line, library_path) && strstr(line, " 00000000 "))
			first = strtoul(line, NULL, 16);
	fclose(maps);
	return first;
}

static void told(void)
{
	const char *bytes;
	void *library = library_open(&bytes);
	char origin[PATH_MAX];
	char path[2 * PATH_MAX];
	int (*code)(void) = (int (*)(void))(uintptr_t)dlsym(library, "library_code");
	struct link_map *map = NULL;
	Dl_info info = { 0 };

	result(is_data(bytes), "its data are right");
	dlinfo(library, RTLD_DI_LINKMAP, &map);
	dlinfo(library, RTLD_DI_ORIGIN, origin);
	result(map && !strcmp(map->l_name, library_path), "its name is right");
	snprintf(path, sizeof(path), "%s/", origin);
	result(!strncmp(path, library_path, strlen(path)), "its directory is right");
	result(dladdr(bytes + 10 * PAGE, &info) && !strcmp(info.dli_fname, library_path) &&
		       info.dli_fbase == (void *)map->l_addr,
	       "dladdr() tells what has its data");
	result(dladdr((void *)(uintptr_t)code, &info) && !strcmp(info.dli_sname, "library_code"),
	       "dladdr() tells what has its code");
	result(maps_first() == map->l_addr, "its beginning is mapped under its name");
	result(code() == data[0], "its code reads its data");
	result(dlopen(library_path, RTLD_NOW | RTLD_NOLOAD) == library, "it is known by its name");
	snprintf(path, sizeof(path), "%s/./%s", origin, strrchr(library_path, '/') + 1);
	result(dlopen(path, RTLD_NOW) == library, "and by its device and inode");
}

/* --- it goes */

/* Memory of the program's own where the data were: what it holds, and may be. */
static bool is_own(char *at, size_t n)
{
	bool right = true;

	for (size_t i = 0; i < n; i += PAGE)
		right &= !at[i];
	right &= !mprotect(at, n, PROT_READ | PROT_WRITE | PROT_EXEC);
	for (size_t i = 0; i < n; i += PAGE)
		right &= !at[i];
	memset(at, 7, n);
	for (size_t i = 0; i < n; i += PAGE)
		right &= at[i] == 7;
	return right;
}

static char *own_map(const char *at, size_t n)
{
	return mmap((void *)(uintptr_t)at, n, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void closes(void)
{
	bool right = true, gone = true, own = true;
	const char *bytes;
	char *at;

	for (int i = 0; i < 40; i++) {
		void *library = library_open(&bytes);

		right &= is_data(bytes);
		dlclose(library);
		at = own_map(bytes, data_bytes);
		gone &= at == bytes;
		if (at != bytes)
			continue;
		own &= is_own(at, data_bytes);
		munmap(at, data_bytes);
	}
	result(right, "the data are right each time");
	result(gone, "nothing is left of it when it is closed");
	result(own, "memory in its place is the program's");
}

/* Unmapped by calls that no hook sees. */
static void past(void)
{
	size_t n = data_bytes / PAGE * PAGE;
	char *got = malloc(n);
	size_t have = 0;
	const char *bytes;
	int pair[2];
	char *at;

	library_open(&bytes);
	result(is_data(bytes), "the data are right");
	sys_munmap((void *)(uintptr_t)bytes, n);
	at = sys_mmap((void *)(uintptr_t)bytes, n, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	result(at == bytes, "others have its place");
	/* all but one byte in the middle are as they were */
	memcpy(at, data, n);
	at[n / 2 + 17] ^= 1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		exit(2);
	if (!fork()) {
		close(pair[0]);
		for (size_t sent = 0; sent < n;)
			sent += (size_t)write(pair[1], at + sent, n - sent);
		_exit(0);
	}
	close(pair[1]);
	for (ssize_t k; (k = read(pair[0], got + have, n - have)) > 0;)
		have += (size_t)k;
	wait(NULL);
	result(have == n && !memcmp(got, at, n), "what is sent of it is what it holds");
	memset(at, 0, n);
	result(is_own(at, n), "and it is the program's");
}

/* --- who writes to it */

static void written(void)
{
	const char *bytes;
	void *library = library_open(&bytes);
	char *page = (char *)(uintptr_t)bytes + 9 * PAGE;
	int status;

	result(is_data(bytes), "the data are right");
	result(!mprotect(page, PAGE, PROT_READ | PROT_WRITE), "they become writable");
	page[3] ^= 1;
	data[9 * PAGE + 3] ^= 1;
	result(is_data(bytes), "what is written is there, and all else as it was");
	result(!mprotect(page, PAGE, PROT_READ), "and read-only again");
	if (!fork())
		_exit(!is_data(bytes));
	wait(&status);
	result(!status, "a child has it, too");
	library_open(&bytes);
	result(is_data(bytes), "who opens it again has the same");
	dlclose(library);
	result(is_data(bytes), "also when it is closed once");
}

static void constructor(void)
{
	const char *bytes;

	data[5 * PAGE + 1] ^= 0x55;
	library_open(&bytes);
	result(is_data(bytes), "what its constructor has written is there");
}

static void textrel(void)
{
	const char *bytes;
	void *library = library_open(&bytes);
	void *const *pointer = dlsym(library, "library_pointer");

	result(is_data(bytes), "the data are right");
	result(*pointer == dlsym(library, "library_code"), "what the loader has written is there");
}

/* --- others */

static int table_store(void *const *table)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		*(void *volatile *)(uintptr_t)table = NULL;
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void forks(void)
{
	const char *bytes;
	void *library = library_open(&bytes);
	int go[2], status = 1;
	char c;

	if (pipe(go))
		exit(2);
	result(table_store(dlsym(library, "library_table")) == SIGSEGV,
	       "what the loader has protected stays so");
	if (!fork()) {
		bool right = is_data(bytes);

		close(go[1]);
		right &= !read(go[0], &c, 1) && is_data(bytes);
		dlclose(library);
		right &= !dlopen(library_path, RTLD_NOW | RTLD_NOLOAD);
		library_open(&bytes);
		_exit(!(right && is_data(bytes)));
	}
	dlclose(library);
	close(go[1]);
	wait(&status);
	result(!status, "a child has it, whether its parent has it or not");
}

/* --- it is opened while others write to it */

static char *storm_page[WRITERS];
static bool storm_ends;

static int object_find(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	if (strcmp(info->dlpi_name, library_path))
		return 0;
	*(struct dl_phdr_info *)arg = *info;
	return 1;
}

/* Where the data are, without a word to anybody. */
static char *storm_find(void)
{
	struct dl_phdr_info info = { 0 };
	char *at = NULL;

	dl_iterate_phdr(object_find, &info);
	for (unsigned int i = 0; i < info.dlpi_phnum; i++)
		if (info.dlpi_phdr[i].p_type == PT_LOAD && info.dlpi_phdr[i].p_flags == PF_R &&
		    info.dlpi_phdr[i].p_filesz >= data_bytes)
			at = (char *)(info.dlpi_addr +
				      (info.dlpi_phdr[i].p_vaddr & ~(uintptr_t)(PAGE - 1)));
	return at;
}

static void *storm_write(void *arg)
{
	unsigned int id = (unsigned int)(uintptr_t)arg;
	uintptr_t lost = 0;

	while (!__atomic_load_n(&storm_ends, __ATOMIC_RELAXED)) {
		char *page = __atomic_load_n(&storm_page[id], __ATOMIC_ACQUIRE);
		char before;

		if (!page)
			continue;
		before = page[id];
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
		page[id] = (char)(before + 1);
		mprotect(page, PAGE, PROT_READ);
		for (int i = 0; i < 50; i++)
			lost += *(volatile char *)&page[id] != (char)(before + 1);
		__atomic_store_n(&storm_page[id], NULL, __ATOMIC_RELEASE);
	}
	return (void *)lost;
}

static void storm(int rounds)
{
	pthread_t writer[WRITERS];
	bool right = true;
	void *lost;

	for (uintptr_t i = 0; i < WRITERS; i++)
		pthread_create(&writer[i], NULL, storm_write, (void *)i);
	while (rounds--) {
		void *library = dlopen(library_path, RTLD_NOW);
		char *at = storm_find();
		char *bytes;

		for (unsigned int i = 0; i < WRITERS; i++)
			__atomic_store_n(&storm_page[i], at + (20 + i) * PAGE, __ATOMIC_RELEASE);
		for (volatile int i = 0; i < rounds % 64 * 40; i++)
			;
		bytes = dlsym(library, "library_data");
		for (unsigned int i = 0; i < WRITERS; i++)
			while (__atomic_load_n(&storm_page[i], __ATOMIC_ACQUIRE))
				;
		for (unsigned int i = 0; i < WRITERS; i++) {
			char *page = at + (20 + i) * PAGE;

			right &= page[i] == (char)(data[page - bytes + i] + 1);
			mprotect(page, PAGE, PROT_READ | PROT_WRITE);
			page[i]--;
		}
		right &= is_data(bytes);
		dlclose(library);
	}
	__atomic_store_n(&storm_ends, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < WRITERS; i++) {
		pthread_join(writer[i], &lost);
		right &= !lost;
	}
	result(right, "nothing that is written is lost");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = { { "told", told },
		     { "close", closes },
		     { "past", past },
		     { "fork", forks },
		     { "written", written },
		     { "textrel", textrel },
		     { "constructor", constructor } };

	if (argc < 4)
		return 2;
	library_path = argv[2];
	data_read(argv[3]);
	if (argc > 4)
		storm(atoi(argv[4]));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argv[1], ways[i].name))
			ways[i].run();
	printf("1..%d\n", tests);
	return failures || !tests;
}
