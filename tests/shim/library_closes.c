/* SPDX-License-Identifier: MIT */
/*
 * A thread closes a library while another one looks up the first symbol of the next, on a slow origin; then it has
 * memory of its own in the library's place: library_closes FILE LIBRARY OTHER.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LENGTH ((size_t)1 << 20)
#define GUARD_INSTALL 102 /* since Linux 6.13 */
#define GUARD_REMOVE 103

static void *look_up(void *other)
{
	return dlsym(other, "library_code");
}

static int failed(const char *what)
{
	puts(what);
	return 1;
}

/* What the program writes there must be there, and can be moved. */
static int place_try(char *place)
{
	static char wanted[LENGTH];
	char *moved;

	if (!madvise(place, LENGTH, GUARD_INSTALL)) {
		madvise(place, LENGTH, GUARD_REMOVE);
		if (memcmp(place, wanted, LENGTH))
			return failed("advice has changed bytes");
	}
	memset(place, 0x5a, LENGTH);
	memset(wanted, 0x5a, LENGTH);
	moved = mremap(place, LENGTH, 4 * LENGTH, MREMAP_MAYMOVE);
	if (moved == MAP_FAILED)
		return failed("mremap() fails");
	return memcmp(moved, wanted, LENGTH) ? failed("mremap() has changed bytes") : 0;
}

int main(int argc, char **argv)
{
	int fd = argc == 4 ? open(argv[1], O_RDONLY) : -1;
	void *library = fd < 0 ? NULL : dlopen(argv[2], RTLD_NOW);
	char *data = library ? dlsym(library, "library_data") : NULL;
	void *other = data ? dlopen(argv[3], RTLD_NOW) : NULL;
	char *place;
	pthread_t thread;

	if (!other || pthread_create(&thread, NULL, look_up, other))
		return failed("cannot begin");
	usleep(100000);
	dlclose(library);
	place = mmap(data + LENGTH, LENGTH, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (place == MAP_FAILED)
		return failed("the library's place is not free");
	fd = place_try(place);
	pthread_join(thread, NULL);
	return fd;
}
