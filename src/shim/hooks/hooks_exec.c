/* SPDX-License-Identifier: MIT */
/*
 * exec and spawn: the new program inherits descriptors whose positions the shim keeps. The positions are
 * set in the kernel for good, because after vfork() the parent continues with the same descriptions.
 */
#include "shim/libc/symbols.h"

#include <alloca.h>
#include <errno.h>
#include <stdarg.h>

#include "shim/files/fd.h"
#include "shim/files/names.h"
#include "shim/files/tree.h"
#include "shim/table/process.h"
#include "shim/libc/signals.h"

static void exec_prepare(void)
{
	process_share_inherited();
	process_settle();
	signals_lend();
}

/* No other program was started. */
static int exec_failed(int ret)
{
	int saved = errno;

	signals_return();
	errno = saved;
	return ret;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	/* programs that search PATH themselves ask for absent names */
	if (names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	exec_prepare();
	return exec_failed(NEXT(execve)(path, argv, envp));
}

int execv(const char *path, char *const argv[])
{
	if (names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	exec_prepare();
	return exec_failed(NEXT(execv)(path, argv));
}

int execvp(const char *file, char *const argv[])
{
	exec_prepare();
	return exec_failed(NEXT(execvp)(file, argv));
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
	exec_prepare();
	return exec_failed(NEXT(execvpe)(file, argv, envp));
}

int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	tree_real(dir);
	exec_prepare();
	return exec_failed(NEXT(execveat)(dir, path, argv, envp, flags));
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
	tree_real(fd);
	exec_prepare();
	return exec_failed(NEXT(fexecve)(fd, argv, envp));
}

/* The number of arguments from `arg` to the NULL that ends them, which is counted too. */
static size_t count_arguments(const char *arg, va_list ap)
{
	size_t n = 1;

	for (; arg; n++)
		arg = va_arg(ap, const char *);
	return n;
}

static void copy_arguments(const char **argv, const char *arg, va_list ap)
{
	for (*argv = arg; *argv; *++argv = arg)
		arg = va_arg(ap, const char *);
}

/* On the stack, as libc does it: a vfork child may not allocate. */
#define LIST_ARGUMENTS(argv, arg, ap) \
	do { \
		va_start(ap, arg); \
		(argv) = alloca(count_arguments(arg, ap) * sizeof(*(argv))); \
		va_end(ap); \
		va_start(ap, arg); \
		copy_arguments(argv, arg, ap); \
	} while (0)

int execl(const char *path, const char *arg, ...)
{
	const char **argv;
	va_list ap;

	LIST_ARGUMENTS(argv, arg, ap);
	va_end(ap);
	return execv(path, (char *const *)argv);
}

int execlp(const char *file, const char *arg, ...)
{
	const char **argv;
	va_list ap;

	LIST_ARGUMENTS(argv, arg, ap);
	va_end(ap);
	return execvp(file, (char *const *)argv);
}

/* The environment follows the NULL. */
int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	const char **argv;
	va_list ap;

	LIST_ARGUMENTS(argv, arg, ap);
	va_end(ap);
	va_start(ap, arg);
	count_arguments(arg, ap);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, (char *const *)argv, envp);
}

/* A duplicate may have been asked for before the number got its present meaning: see below. */
static void spawn_prepare(const posix_spawn_file_actions_t *actions)
{
	if (actions)
		process_share_vfork();
	else
		process_share_inherited();
	signals_lend();
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	int err;

	spawn_prepare(actions);
	err = NEXT(posix_spawn)(pid, path, actions, attributes, argv, envp);
	signals_return();
	return err;
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	int err;

	spawn_prepare(actions);
	err = NEXT(posix_spawnp)(pid, file, actions, attributes, argv, envp);
	signals_return();
	return err;
}

/* The child will make its duplicate where we cannot see it, of a descriptor that may be closed on exec. */
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to)
{
	tree_real(fd);
	fd_share(fd);
	return NEXT(posix_spawn_file_actions_adddup2)(actions, fd, to);
}
