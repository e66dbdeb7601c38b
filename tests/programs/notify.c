/* SPDX-License-Identifier: MIT */
/*
 * A prototype, no part of the product: small files for programs that no preload object reaches (static ones, Go).
 * docs/notes/static.md tells what it costs and what it breaks.
 *
 *     notify [--pass] [--answers FILE] DIR PROGRAM [ARGUMENT]...
 *
 * PROGRAM gets a filter of system calls that passes each open for reading, and each fstat(), to this supervisor. An
 * open of a small regular file below DIR is answered by a sealed memfd with the file's bytes, put into the
 * program's table by SECCOMP_IOCTL_NOTIF_ADDFD; all else goes on as if nothing were there. The file's attributes are
 * asked for at each open: another time, size or inode is another memfd. fstat() of a memfd is answered with the
 * origin's attributes. With --pass each call is passed on: what the way alone costs. --answers: how many were answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "notify.h"

#define THREADS 4

/* of Linux 6.6: the supervisor runs on the program's processor */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#endif

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* opens that are not for reading alone */
#define OTHER_OPENS \
	(O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_DIRECTORY | O_PATH | O_DIRECT | \
	 (O_TMPFILE & ~O_DIRECTORY))

struct kept kept[SLOTS];      /* filled, never emptied; inode 0: free */
unsigned int by_inode[SLOTS]; /* number in kept[], plus 1 */
unsigned int kept_count;
long kept_bytes;
dev_t memory_device;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
const char *dir;
size_t dir_length;
int listener;
bool pass;
unsigned long answered;

static void die(const char *what)
{
	perror(what);
	exit(125);
}

/* --- the program's side */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* the low half of an argument; both architectures are little-endian */
#define ARGUMENT(n) LOAD(args[n])
#define IF_CALL(call, then) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, then, 0)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

/* The listener of a filter that is this process's from now on, and its children's. */
static int filter_install(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, 5),
		LOAD(nr),
		IF_CALL(__NR_openat, 4),
		IF_CALL(__NR_fstat, 9),
		IF_CALL(__NR_newfstatat, 4),
		IF_CALL(__NR_statx, 5),
		RETURN(SECCOMP_RET_ALLOW),
		/* openat: none of the flags */
		ARGUMENT(2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, OTHER_OPENS, 5, 4),
		/* newfstatat, statx: of the descriptor itself */
		ARGUMENT(3),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		ARGUMENT(2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AT_EMPTY_PATH, 0, 1),
		RETURN(SECCOMP_RET_USER_NOTIF),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static void descriptor_send(int to, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec byte = { &(char){ 0 }, 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(to, &message, 0) != 1)
		die("notify: sendmsg");
}

static int descriptor_receive(int from)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		die("notify: there is no filter");
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void program_run(int to, char **argv)
{
	int fd;

	/* one of the two is enough */
	unsetenv("LD_PRELOAD");
	fd = filter_install();
	if (fd < 0)
		die("notify: seccomp");
	descriptor_send(to, fd);
	close(fd);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* Until nobody has the filter any more: who opens without a listener gets ENOSYS. */
static void all_await(void)
{
	struct pollfd end = { .fd = listener };

	while (!(end.revents & POLLHUP) && (poll(&end, 1, -1) >= 0 || errno == EINTR))
		;
}

static void answers_tell(const char *file)
{
	FILE *f = file ? fopen(file, "w") : NULL;

	if (f && (fprintf(f, "%lu\n", answered) < 0 || fclose(f)))
		die(file);
}

static int usage(void)
{
	fputs("usage: notify [--pass] [--answers FILE] DIR PROGRAM [ARGUMENT]...\n", stderr);
	return 125;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 0 };
	const char *answers = NULL;
	pthread_t thread;
	int pair[2], status;
	pid_t child;

	for (argv++; *argv && !strncmp(*argv, "--", 2); argv++) {
		if (!strcmp(*argv, "--pass"))
			pass = true;
		else if (!strcmp(*argv, "--answers") && argv[1])
			answers = *++argv;
		else
			return usage();
	}
	if (argc < 3 || !argv[0] || !argv[1])
		return usage();
	dir = realpath(argv[0], NULL);
	if (!dir || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die(argv[0]);
	dir_length = strlen(dir);
	child = fork();
	if (!child)
		program_run(pair[1], argv + 1);
	close(pair[1]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max; /* two for each file that is kept */
	setrlimit(RLIMIT_NOFILE, &files);
	listener = descriptor_receive(pair[0]);
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1UL); /* an older kernel is slower */
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, calls_answer, NULL))
			die("notify: pthread_create");
	all_await();
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	answers_tell(answers);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
