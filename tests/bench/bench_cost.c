/* SPDX-License-Identifier: MIT */
/*
 * What the shim costs those who do not gain by it, in two ways:
 *
 *	bench_cost exec PRELOAD [--json]	starts of a program that does nothing, with and
 *						without LD_PRELOAD=PRELOAD, in turns
 *	bench_cost calls OUTSIDE [--json]	pread() of 4 KiB of a file that is not in a cached
 *						directory through the shim and past it, in turns;
 *						run below the shim
 *	bench_cost open CACHED COPY [--json]	open + read + close of small files, in turns
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 25
#define STARTS 20
#define CALLS 4000

static int json;
static const char *argument[2];
static char buf[4096];

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* side 0: with the shim. Everything that it needs is in the environment but LD_PRELOAD. */
static void starts(int side)
{
	static char preload[4096];
	char *argv[] = { "/bin/true", NULL };
	char *envp[8] = { preload };
	int n = 1 - side;
	int status;
	pid_t pid;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", argument[0]);
	envp[0] = preload;
	for (char **e = environ; *e && n < 7; e++)
		if (!strncmp(*e, "RAWCACHE_", 9))
			envp[n++] = *e;
	envp[n] = NULL;
	for (int i = 0; i < STARTS; i++)
		if (posix_spawn(&pid, argv[0], NULL, NULL, argv, envp) ||
		    waitpid(pid, &status, 0) != pid || status)
			fail("/bin/true");
}

static void preads(int side)
{
	static ssize_t (*calls[2])(int, void *, size_t, off_t);
	static int fd = -1;

	if (fd < 0) {
		fd = open(argument[0], O_RDONLY);
		calls[0] = pread;
		*(void **)&calls[1] = dlsym(dlopen("libc.so.6", RTLD_NOW), "pread");
		if (fd < 0 || !calls[1])
			fail(argument[0]);
	}
	for (int i = 0; i < CALLS; i++)
		if (calls[side](fd, buf, sizeof(buf), 0) != (ssize_t)sizeof(buf))
			fail("pread");
}

static void opens(int side)
{
	for (int i = 0; i < CALLS / 4; i++) {
		int fd = open(argument[side], O_RDONLY);

		if (fd < 0 || read(fd, buf, sizeof(buf)) < 0 || close(fd))
			fail(argument[side]);
	}
}

static void run(const char *name, void (*round)(int side), int per_round, double *best)
{
	best[0] = best[1] = 1e9;
	for (int i = 0; i < ROUNDS; i++)
		for (int k = 0; k < 2; k++) {
			int side = (i + k) % 2; /* none always comes second */
			double t = seconds();

			round(side);
			t = seconds() - t;
			if (t < best[side])
				best[side] = t;
		}
	best[0] /= per_round;
	best[1] /= per_round;
	printf(json ? "{\"bench\":\"cost\",\"what\":\"%s\",\"shim_us\":%.3f,\"native_us\":%.3f,"
		      "\"more_us\":%.3f,\"ratio\":%.3f}\n" :
		      "%-22s with %9.3f us, without %9.3f us: %+9.3f us, %.3fx\n",
	       name, best[0] * 1e6, best[1] * 1e6, (best[0] - best[1]) * 1e6, best[0] / best[1]);
}

int main(int argc, char **argv)
{
	double best[2];

	if (argc > 1 && !strcmp(argv[argc - 1], "--json")) {
		json = 1;
		argc--;
	}
	if (argc < 3)
		return 2;
	argument[0] = argv[2];
	argument[1] = argc > 3 ? argv[3] : argv[2];
	if (!strcmp(argv[1], "exec"))
		run("exec", starts, STARTS, best);
	else if (!strcmp(argv[1], "calls"))
		run("pread 4K, not cached", preads, CALLS, best);
	else if (!strcmp(argv[1], "open"))
		run("open + read + close", opens, CALLS / 4, best);
	else
		return 2;
	return 0;
}
