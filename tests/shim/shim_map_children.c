/* SPDX-License-Identifier: MIT */
/* Mappings of a cached file whose place in the image is wanted for others: children have them still. */
#include <errno.h>
#include <signal.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_map.h"

enum { BY_FORK, BY_FORK_BARE, BY_CLONE, BY_SYSCALL, BY_FORK_TWICE, CHILDREN };
static const char *const child_names[] = { "fork()", "_Fork()", "clone()", "syscall(SYS_clone)",
					   "a grandchild" };

struct child {
	char *p;
	int go; /* ends when it is time to look */
};

static int child_look(void *arg)
{
	const struct child *child = arg;
	char c;

	while (read(child->go, &c, 1) < 0 && errno == EINTR)
		;
	return memcmp(child->p, want, size) != 0;
}

static pid_t child_make(int way, struct child *child)
{
	static char stack[65536] __attribute__((aligned(64)));
	int status = 0;
	pid_t pid;

	switch (way) {
	case BY_CLONE:
		return clone(child_look, stack + sizeof(stack), SIGCHLD, child);
	case BY_FORK_BARE:
		pid = _Fork();
		break;
	case BY_SYSCALL:
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		break;
	default:
		pid = fork();
	}
	if (pid)
		return pid;
	if (way == BY_FORK_TWICE) {
		pid = fork();
		if (pid < 0)
			_exit(3);
		if (pid) {
			waitpid(pid, &status, 0);
			_exit(status != 0);
		}
	}
	_exit(child_look(child));
}

void children(int fd, const char *go_round)
{
	struct child child = { .p = map(fd, size, PROT_READ, MAP_PRIVATE, 0) };
	pid_t pid[CHILDREN];
	int way, gate[2];

	ok(in_image(child.p), "out of the image");
	if (pipe(gate))
		exit(1);
	child.go = gate[0];
	for (way = 0; way < CHILDREN; way++) {
		pid[way] = child_make(way, &child);
		if (pid[way] < 0)
			exit(1);
	}
	munmap(child.p, size);
	ok(!system(go_round), "the cache goes round");
	for (way = 0; way < CHILDREN + 1; way++)
		if (write(gate[1], "x", 1) != 1)
			exit(1);
	for (way = 0; way < CHILDREN; way++) {
		int status = -1;

		waitpid(pid[way], &status, 0);
		ok(!status, child_names[way]);
	}
}

void dropped(int fd, const char *drop)
{
	char *p = map(fd, size, PROT_READ, MAP_PRIVATE, 0);
	int status = -1;
	pid_t pid;

	ok(in_image(p + 4096), "out of the image");
	ok(!system(drop), "all is dropped");
	ok(!memcmp(p, want, size), "it is still there");
	munmap(p + 8192, 4096);
	ok(!memcmp(p, want, 8192) && !memcmp(p + 12288, want + 12288, size - 12288), "and cut");
	pid = fork();
	if (!pid)
		_exit(memcmp(p, want, 8192) || memcmp(p + 12288, want + 12288, size - 12288));
	waitpid(pid, &status, 0);
	ok(!status, "a fork child has it");
	munmap(p + 65536, size - 65536);
	p = mremap(p + 12288, 65536 - 12288, 300000, MREMAP_MAYMOVE);
	ok(p != MAP_FAILED && !memcmp(p, want + 12288, 300000), "and grown, by what is the file's");
}
