/* SPDX-License-Identifier: MIT */
/*
 * Corners: one way to notice the shim each, in a process of its own, because it may hang or die.
 *
 *	LD_PRELOAD=... shim_corners CORNER FILE-A FILE-B
 *
 * The files lie below a configured directory, have settled, are longer than three chunks and
 * differ in every 4 KiB block. Exit status 0: nothing was noticed. 77: cannot be tried here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim_corners.h"

const char *a, *b;
static size_t bytes_a;
char buf[CHUNK];

int fail(const char *what)
{
	fprintf(stderr, "%s (errno %d)\n", what, errno);
	return 1;
}

int open_a(int flags)
{
	int fd = open(a, O_RDONLY | flags);

	if (fd < 0)
		exit(fail(a));
	return fd;
}

/* The file's bytes as the kernel has them: a descriptor with O_APPEND is not served. */
static void expect(const char *path, char *bytes, size_t n, off_t offset)
{
	int fd = open(path, O_RDONLY | O_APPEND);

	if (fd < 0 || pread(fd, bytes, n, offset) != (ssize_t)n)
		exit(fail(path));
	close(fd);
}

int is_block(const char *path, int n)
{
	char want[BLOCK];

	expect(path, want, BLOCK, (off_t)n * BLOCK);
	return !memcmp(buf, want, BLOCK);
}

/* --- RAWCACHE_REVALIDATE=100: the first read after the time is of the file as it is now */

static int revalidate(void)
{
	int fd = open_a(0);
	pid_t pid;
	int status;

	for (int i = 0; i < 3; i++) /* the last one of what is known to be in memory */
		if (pread(fd, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
			return fail("the first reads");
	pid = fork();
	if (!pid) {
		snprintf(buf, sizeof(buf), "of=%s", a);
		setenv("RAWCACHE_DISABLE", "1", 1);
		execlp("dd", "dd", "if=/dev/urandom", "bs=4096", "count=1", "conv=notrunc",
		       "status=none", buf, (char *)NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return fail("dd");
	sleep(3);
	if (pread(fd, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
		return fail("bytes from before the change");
	return 0;
}

/* --- a pipe that is full makes nobody wait */

/* Chunks that do not lie side by side in the image, the first ending where the pipe is full. */
static int pipe_takes(ssize_t (*transfer)(int out, int in, off_t *offset, size_t n))
{
	off_t offset = CHUNK - 65536;
	int fd = open_a(0);
	int ends[2];
	ssize_t n;

	if (pread(fd, buf, CHUNK, CHUNK) != CHUNK || pread(fd, buf, CHUNK, 0) != CHUNK ||
	    pipe(ends))
		return fail("reading");
	n = transfer(ends[1], fd, &offset, 2 * 65536);
	if (n <= 0 || n > 65536 || offset != CHUNK - 65536 + n)
		return fail("transfer");
	return 0;
}

static ssize_t by_splice(int out, int in, off_t *offset, size_t n)
{
	return splice(in, offset, out, NULL, n, 0);
}

static int pipe_splice(void)
{
	return pipe_takes(by_splice);
}

static int pipe_sendfile(void)
{
	return pipe_takes(sendfile);
}

/* --- bad pointers are the kernel's to refuse */

static int bad_messages(void)
{
	struct msghdr message = { .msg_control = (void *)16, .msg_controllen = 64 };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	int fd = open_a(0);
	volatile uintptr_t nowhere = 0;
	int ends[2];

	if (read(fd, buf, BLOCK) != BLOCK || socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return fail("beginning");
	if (sendmsg(ends[0], (void *)nowhere, 0) != -1 || errno != EFAULT)
		return fail("a bad message");
	if (sendmsg(ends[0], &message, 0) != -1 || errno != EFAULT)
		return fail("bad control data");
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	*(struct cmsghdr *)control = (struct cmsghdr){ .cmsg_len = SIZE_MAX / 2,
						       .cmsg_level = SOL_SOCKET,
						       .cmsg_type = SCM_RIGHTS };
	if (sendmsg(ends[0], &message, 0) != -1 || errno != EINVAL)
		return fail("more control data than there is");
	return 0;
}

/* --- system calls that the program did not think of */

static int confined(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int fd = open_a(0);
		ssize_t n;
		size_t done = 0;

		while (done < CHUNK && (n = read(fd, buf, BLOCK)) > 0)
			done += (size_t)n;
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			syscall(SYS_exit, 77);
		while ((n = read(fd, buf, CHUNK)) > 0)
			done += (size_t)n;
		syscall(SYS_exit, n || done != bytes_a);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return fail("it was killed");
	return WEXITSTATUS(status);
}

static const struct {
	const char *name;
	int (*run)(void);
} corners[] = {
	{ "cut_under_helpers", cut_under_helpers },
	{ "cut_blocked", cut_blocked },
	{ "cut_sendfile", cut_sendfile },
	{ "cut_advise", cut_advise },
	{ "small_stack", small_stack },
	{ "namespace_join", namespace_join },
	{ "restart", restart },
	{ "vfork_signals", vfork_signals },
	{ "revalidate", revalidate },
	{ "pipe_splice", pipe_splice },
	{ "pipe_sendfile", pipe_sendfile },
	{ "cut_short", cut_short },
	{ "range_unshare", range_unshare },
	{ "vfork_replaces", vfork_replaces },
	{ "vfork_keeps", vfork_keeps },
	{ "spawn_early", spawn_early },
	{ "bad_messages", bad_messages },
	{ "lock_ends", lock_ends },
	{ "namespace_user", namespace_user },
	{ "confined", confined },
	{ "lock_before", lock_before },
	{ "lock_after", lock_after },
	{ "lock_limited", lock_limited },
	{ "space", space },
};

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 4)
		return 2;
	a = argv[2];
	if (stat(a, &st))
		return 2;
	bytes_a = (size_t)st.st_size;
	b = argv[3];
	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++)
		if (!strcmp(corners[i].name, argv[1]))
			return corners[i].run();
	return 2;
}
