/* SPDX-License-Identifier: MIT */
/*
 * library_forks LIBRARY TEXT: a thread looks up symbols while another one forks. The children ask for the loader's
 * list, whose lock nobody may have left them. Exits with the number of children that waited in vain.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS 1000
#define PATIENCE_S 20

static void *library;

static void *look_up(void *arg)
{
	for (;;)
		dlsym(library, "library_data");
	return arg;
}

static int object_pass(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)info;
	(void)size;
	(void)arg;
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0, status;
	pthread_t thread;

	if (argc < 3 || open(argv[2], O_RDONLY) < 0)
		return 100;
	library = dlopen(argv[1], RTLD_NOW);
	if (!library || pthread_create(&thread, NULL, look_up, NULL))
		return 101;
	for (int i = 0; i < FORKS && failed < 3; i++) {
		pid_t child = fork();

		if (!child) {
			alarm(PATIENCE_S);
			dl_iterate_phdr(object_pass, NULL);
			_exit(0);
		}
		failed += waitpid(child, &status, 0) != child || status;
	}
	_exit(failed);
}
