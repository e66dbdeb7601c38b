/* SPDX-License-Identifier: MIT */
/*
 * Histories of files, checked: writers under the shim and outside change files in all ways, while
 * readers under the shim read them in all ways; each read must return what the rules of coherence
 * allow (INV-7, docs/design/identity.md).
 *
 *	rawcache run --path DIRECTORY ... -- coherence DIRECTORY STATE SECONDS SEED
 *
 * Every change of a file has a version, and writes it into each word of the blocks it touches.
 * For each block the writers tell, in memory that all share, the version `begun` before they
 * write it, `done` afterwards, and `told` if they are under the shim. A read of a block returns
 * words of versions
 *  - not older than what was done when the file was opened (close-to-open),
 *  - not older than what was told before the read, as long as the path leads to the same inode,
 *  - not newer than what has begun when it returns.
 * It may end where the file did at some time in between. Speaks TAP.
 *
 * On FUSE the kernel may keep an old page: it shows a write in the page cache before the server has it, and drops
 * that page when it sees new attributes meanwhile; a read then brings the server's old bytes, and times that are
 * put back hide that they are old (Linux 6.18, without rawcache, too). With COHERENCE_STORE, the directory that the
 * mount shows, such a read is counted and not called wrong: if the kernel's own read gives each of its bytes, and
 * the server's file has a version that is allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "coherence.h"
#include "pattern.h"

#define READERS 3

struct shared *shared;
static const char *directory;
const char *store; /* what the mount shows, by the server's path; NULL: no mount */
static uint64_t seed;

const char *file_path(uint32_t number, const char *suffix)
{
	static tls_initial char path[4096];

	snprintf(path, sizeof(path), "%s/data.%u%s", directory, number, suffix);
	return path;
}

void give_up(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(99);
}

/* --- all of it */

static void files_make(void)
{
	uint64_t random = seed;

	for (uint32_t n = 0; n < FILES; n++) {
		struct change c = { .h = &shared->file[n], .number = n, .version = 1 };

		c.h->version = 1;
		change_replace(&c, pattern_random(&random) & ~UINT64_C(4), BLOCKS * BLOCK / 2 + n);
	}
}

/* A process of one of the roles, by exec: those outside have another environment. */
static pid_t role_start(char **argv, const char *role, int number)
{
	char text[32];
	char *args[] = { argv[0], argv[1], argv[2], argv[3], argv[4], (char *)role, text, NULL };
	pid_t pid;

	snprintf(text, sizeof(text), "%d", number);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!strcmp(role, "outside"))
			unsetenv("LD_PRELOAD");
		execv("/proc/self/exe", args);
		_exit(98);
	}
	return pid;
}

static int role_main(const char *role, uint64_t random)
{
	if (!strcmp(role, "reader"))
		return reader_main(random);
	return writer_main(random, !strcmp(role, "inside"));
}

static int result(bool good, int number, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, name);
	return !good;
}

static bool roles_end(const pid_t *pids, int count)
{
	bool good = true;

	for (int i = 0; i < count; i++) {
		int status = 0;
		int tries = 0;

		while (!waitpid(pids[i], &status, WNOHANG) && ++tries < 2000)
			usleep(10000);
		if (tries == 2000) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], &status, 0);
		}
		if (status)
			printf("# process %d of role %d: status %#x\n", pids[i], i, status);
		good = good && !status;
	}
	return good;
}

int main(int argc, char **argv)
{
	static const char *const roles[] = { "inside", "outside", "inside" };
	pid_t pids[8];
	int count = 0;
	int failed;
	int fd;

	if (argc < 5)
		return 2;
	directory = argv[1];
	store = getenv("COHERENCE_STORE");
	seed = strtoull(argv[4], NULL, 0);
	fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*shared)))
		give_up(argv[2]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		give_up("mmap");
	close(fd);
	if (argc > 6)
		return role_main(argv[5], seed * 1000 + (uint64_t)atoi(argv[6]));
	files_make();
	for (int i = 0; i < 3; i++, count++)
		pids[count] = role_start(argv, roles[i], count);
	for (int i = 0; i < READERS; i++, count++)
		pids[count] = role_start(argv, "reader", count);
	for (double left = atof(argv[3]); left > 0 && !load_relaxed(&shared->bad); left -= 0.05)
		usleep(50000);
	store_release(&shared->stop, 1);
	failed = result(roles_end(pids, count), 1, "all processes ended");
	printf("# %llu changes under the shim, %llu outside;",
	       (unsigned long long)shared->changes[1], (unsigned long long)shared->changes[0]);
	for (int i = 0; i < WAYS; i++)
		printf(" %llu %s", (unsigned long long)shared->reads[i], way_names[i]);
	printf(", %llu MiB\n", (unsigned long long)shared->bytes >> 20);
	if (shared->stale_pages)
		printf("# %u reads of pages that are old in the mount's page cache\n",
		       shared->stale_pages);
	if (shared->bad)
		printf("# %s\n# %s\n", shared->first_bad, shared->first_more);
	failed += result(!shared->bad, 2, "each read returned what is allowed");
	failed += result(shared->changes[0] && shared->changes[1] && shared->reads[WAY_MMAP] &&
				 shared->reads[WAY_STDIO] && shared->reads[WAY_SENDFILE],
			 3, "all was done");
	printf("1..3\n");
	return failed != 0;
}
