/* SPDX-License-Identifier: MIT */
/*
 * Run a command as in a container that forbids io_uring: no_uring EPERM|ENOSYS COMMAND...
 *
 * A seccomp filter answers io_uring's system calls, and with a third name "all" pidfd_getfd()
 * as well, with that error.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REFUSE(number, error) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

static int filter_install(uint32_t error, int helpers)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		REFUSE(__NR_io_uring_setup, error),
		REFUSE(__NR_io_uring_enter, error),
		REFUSE(__NR_io_uring_register, error),
		REFUSE(helpers ? (uint32_t)__NR_pidfd_getfd : UINT32_MAX, error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	int helpers = argc > 2 && !strcmp(argv[2], "all");

	if (argc < 3 + helpers)
		return 2;
	if (filter_install(strcmp(argv[1], "EPERM") ? ENOSYS : EPERM, helpers)) {
		perror("seccomp");
		return 77;
	}
	execvp(argv[2 + helpers], argv + 2 + helpers);
	perror(argv[2 + helpers]);
	return 1;
}
