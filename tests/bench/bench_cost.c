/* SPDX-License-Identifier: MIT */
/*
 * What the shim costs those who do not need it. bench_cost FILE [--json]
 *
 *	exec	a program that does nothing is started with and without the shim, in turns
 *	read	4 KiB reads of FILE, which is not cached: libc's read() called through the shim and
 *		directly, in turns
 *
 * Run it with LD_PRELOAD and RAWCACHE_PATHS set, as `rawcache run` does.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXECS 40
#define ROUNDS 15
#define READS 20000

extern char **environ;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double execs(char **env)
{
	char *argv[] = { "true", NULL };
	double start = seconds();
	pid_t pid;

	for (int i = 0; i < EXECS; i++) {
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env))
			exit(1);
		waitpid(pid, NULL, 0);
	}
	return (seconds() - start) / EXECS;
}

/* The environment without what loads the shim. */
static char **plain_environment(void)
{
	size_t n = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + 1, sizeof(*env));
	n = 0;
	for (char **e = environ; env && *e; e++)
		if (strncmp(*e, "LD_PRELOAD=", 11))
			env[n++] = *e;
	return env;
}

static double reads(ssize_t (*call)(int, void *, size_t), int fd)
{
	char buf[4096];
	double start = seconds();

	for (int i = 0; i < READS; i++)
		if (call(fd, buf, sizeof(buf)) != sizeof(buf) && lseek(fd, 0, SEEK_SET))
			exit(1);
	return (seconds() - start) / READS;
}

static void report(bool json, const char *name, double shim, double plain)
{
	printf(json ? "{\"bench\":\"cost\",\"what\":\"%s\",\"shim_ns\":%.0f,\"plain_ns\":%.0f,"
		      "\"added_ns\":%.0f,\"ratio\":%.3f}\n" :
		      "%-22s %12.0f %12.0f %12.0f %9.3fx\n",
	       name, shim * 1e9, plain * 1e9, (shim - plain) * 1e9, shim / plain);
}

int main(int argc, char **argv)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	ssize_t (*direct)(int, void *, size_t);
	double best[4] = { 1e9, 1e9, 1e9, 1e9 };
	char **plain = plain_environment();
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	bool json = argc > 2;

	direct = libc ? (ssize_t(*)(int, void *, size_t))dlsym(libc, "read") : NULL;
	if (fd < 0 || !direct || !plain)
		return 1;
	for (int round = 0; round < ROUNDS; round++) {
		double t[4] = { execs(environ), execs(plain), reads(read, fd), reads(direct, fd) };

		for (int i = 0; i < 4; i++)
			best[i] = t[i] < best[i] ? t[i] : best[i];
	}
	if (!json)
		printf("%-22s %12s %12s %12s %10s\n", "cost", "shim ns", "plain ns", "added ns",
		       "ratio");
	report(json, "exec", best[0], best[1]);
	report(json, "uncached 4 KiB read", best[2], best[3]);
	return 0;
}
