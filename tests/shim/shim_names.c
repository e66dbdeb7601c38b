/* SPDX-License-Identifier: MIT */
/*
 * Names that are not there: random calls by libc's names, below the shim, answer as the kernel does.
 *
 *	LD_PRELOAD=... shim_names DIRECTORY SEED ROUNDS
 *
 * A round waits until the directories have settled, asks for names by many ways and calls, which teaches the shim what
 * is not there, and then changes things one by one and asks again after each. The kernel is asked by system calls of
 * our own.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "shim_names.h"

#define DIRS 4
#define NAMES 6
#define ASKS 400
#define CHANGES 30
#define CALLS 19

static char top[2048], path[8192];
static int dir_fd[DIRS];
static int failures;

static int number(int n)
{
	return (int)(random() % n);
}

const char *hidden(const char *p)
{
	__asm__("" : "+r"(p));
	return p;
}

/* --- ways to a name: relative to `*dir` */

static const char *way(int *dir)
{
	int d = number(DIRS), n = number(NAMES);

	*dir = AT_FDCWD;
	switch (number(16)) {
	case 0:
		*dir = dir_fd[d];
		snprintf(path, sizeof(path), "n%d", n);
		break;
	case 1:
		snprintf(path, sizeof(path), "n%d", n); /* in the working directory */
		break;
	case 2:
		snprintf(path, sizeof(path), "../d%d//n%d", d, n);
		break;
	case 3:
		snprintf(path, sizeof(path), "%s/link%d/n%d", top, d, n);
		break;
	case 4:
		snprintf(path, sizeof(path), "%s/d%d/n%d/", top, d, n);
		break;
	case 5:
		snprintf(path, sizeof(path), "%s/d%d/n%d/n%d", top, d, n, number(NAMES));
		break;
	case 6:
		snprintf(path, sizeof(path), "%s/d%d/%0*d", top, d, 250 + number(10), 0);
		break;
	case 7:
		snprintf(path, sizeof(path), "%s/loop/n%d", top, n);
		break;
	case 8:
		snprintf(path, sizeof(path), "%s/d%d/dangling", top, d);
		break;
	case 9:
		snprintf(path, sizeof(path), "%s/d%d/%s", top, d, number(2) ? "." : "..");
		break;
	case 10:
		path[0] = '\0';
		break;
	case 11:
		return hidden((const char *)(number(2) ? 0l : 1l));
	default:
		snprintf(path, sizeof(path), "%s/d%d/n%d", top, d, n);
		break;
	}
	return path;
}

static void compare(int asks)
{
	for (int i = 0; i < asks && failures < 10; i++) {
		int call = number(CALLS), choice = number(1000), dir, answer[2];
		const char *name = way(&dir);
		bool plain = dir == AT_FDCWD && (uintptr_t)name > 1 && choice % 2;

		if (plain && choice % 3 == 0)
			ask_attribute(name, choice, answer);
		else if (plain && choice % 5 == 0)
			ask_outer(call % 3, name, choice, answer);
		else if (plain)
			ask_plain(call % 8, name, choice, answer);
		else
			ask(call % 15, dir, name, choice, answer);
		if (answer[0] == answer[1])
			continue;
		fprintf(stderr, "%s call %d (%d) of %d:%.200s: %s, the kernel says %s\n",
			plain ? "plain" : "at", call, choice, dir,
			(uintptr_t)name > 1 ? name : "(bad)", strerror(answer[0]),
			strerror(answer[1]));
		failures++;
	}
}

/* --- changes */

static void change_place(void)
{
	char a[4096], b[4096];

	switch (number(3)) {
	case 0: /* two directories change places */
		snprintf(a, sizeof(a), "%s/d%d", top, number(DIRS));
		snprintf(b, sizeof(b), "%s/d%d", top, number(DIRS));
		renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
		break;
	case 1: /* a link leads elsewhere */
		snprintf(a, sizeof(a), "%s/link%d", top, number(DIRS));
		snprintf(b, sizeof(b), "d%d", number(DIRS));
		unlink(a);
		if (symlink(b, a))
			failures++;
		break;
	default:
		snprintf(a, sizeof(a), "%s/d%d", top, number(DIRS));
		if (chdir(a))
			failures++;
		break;
	}
}

static void change(void)
{
	char a[4096], b[4096];
	int fd;

	snprintf(a, sizeof(a), "%s/d%d/n%d", top, number(DIRS), number(NAMES));
	snprintf(b, sizeof(b), "%s/d%d/n%d", top, number(DIRS), number(NAMES));
	switch (number(10)) {
	case 7:
		setxattr(a, "user.x", "1", 1, 0);
		break;
	case 8:
		removexattr(a, "user.x");
		break;
	case 0:
		fd = open(a, O_CREAT | O_EXCL | O_WRONLY, 0666);
		if (fd >= 0)
			close(fd);
		break;
	case 1:
		mkdir(a, 0777);
		break;
	case 2:
		if (symlink(number(2) ? "n0" : "nowhere", a))
			unlink(a);
		break;
	case 3:
		if (link(a, b))
			mknod(b, S_IFSOCK | 0666, 0);
		unlink(a);
		break;
	case 4:
		rename(a, b);
		break;
	case 5:
		if (unlink(a))
			rmdir(a);
		break;
	case 6:
		change_place();
		break;
	default:
		unlink(a);
		break;
	}
}

static void build(void)
{
	char name[4096], to[16], places[4 * sizeof(top) + 64];

	snprintf(places, sizeof(places), "%s/d0:%s/d1/:../d2:%s/link3:/nowhere:%s/d0", top, top,
		 top, top);
	setenv("PATH", places, 1);
	for (int d = 0; d < DIRS; d++) {
		snprintf(name, sizeof(name), "%s/d%d", top, d);
		mkdir(name, 0777);
		dir_fd[d] = open(name, O_RDONLY | O_DIRECTORY);
		snprintf(name, sizeof(name), "%s/link%d", top, d);
		snprintf(to, sizeof(to), "d%d", d);
		if (symlink(to, name))
			failures++;
		snprintf(name, sizeof(name), "%s/d%d/dangling", top, d);
		if (symlink("nowhere", name))
			failures++;
		snprintf(name, sizeof(name), "%s/d%d/n%d", top, d, d);
		close(open(name, O_CREAT | O_WRONLY, 0666));
	}
	snprintf(name, sizeof(name), "%s/secret", top);
	mkdir(name, 0700);
	snprintf(name, sizeof(name), "%s/loop", top);
	if (symlink("loop", name) || fchdir(dir_fd[0]))
		failures++;
}

/* access() asks for the real user, who may not even search the directory. A user may not do what another was told. */
static void compare_users(void)
{
	char name[4096];
	int status = 0, answer[2];

	snprintf(name, sizeof(name), "%s/secret/none", top);
	for (int i = 0; i < 2; i++) {
		ask_plain(0, name, 0, answer);
		failures += answer[0] != answer[1];
	}
	if (!geteuid() && !fork()) {
		failures += setresuid(65534, 0, 0);
		for (int call = 0; call < 5; call++) {
			ask_plain(call, name, 0, answer);
			failures += answer[0] != answer[1];
		}
		failures += setresuid(65534, 65534, 65534);
		for (int call = 0; call < 5; call++) {
			ask_plain(call, name, 0, answer);
			failures += answer[0] != answer[1];
		}
		_exit(failures);
	}
	if (wait(&status) > 0 && status) {
		fprintf(stderr, "another user is told otherwise than by the kernel\n");
		failures++;
	}
}

/* Where there are no descriptors left that is the answer. */
static void compare_full(void)
{
	struct rlimit old, limit;

	getrlimit(RLIMIT_NOFILE, &old);
	limit = old;
	limit.rlim_cur = (rlim_t)dir_fd[DIRS - 1] + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (dup(0) >= 0)
		;
	compare(ASKS);
	setrlimit(RLIMIT_NOFILE, &old);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	srandom((unsigned int)atoi(argv[2]));
	snprintf(top, sizeof(top), "%s", argv[1]);
	build();
	for (int round = 0; round < atoi(argv[3]) && !failures; round++) {
		compare(50); /* seen first */
		usleep(2300000);
		compare(ASKS);
		compare(ASKS);
		if (!round)
			compare_full();
		for (int i = 0; i < CHANGES && !failures; i++) {
			change();
			compare(40);
		}
		if (!round) /* its directory is older than what was changed since */
			compare_users();
	}
	return failures != 0;
}
